export type { ReplicatorOptions, Timings } from './options.ts'
export { createReplicator } from './replicator.ts'
