import { ring } from './ring.ts'
import { spt } from './spt.ts'
import { star } from './star.ts'
import type { Topology } from './topology.ts'

export const topologies: Readonly<Record<Topology['name'], Topology>> = { spt, star, ring }
export { ring, spt, star }
