import { publish } from './p1-publish.ts'
import { batch } from './p2-batch.ts'
import { fanOut } from './p3-fan-out.ts'
import { threeServers } from './p4-three-servers.ts'
import { latencyAcross, latencyAtOne } from './p5-latency.ts'
import { manyChannels } from './p6-many-channels.ts'
import { idle } from './p7-idle.ts'
import { stalled } from './p8-stalled.ts'
import { growth } from './p9-growth.ts'
import { twoProcesses } from './p10-two-processes.ts'
import type { Scenario } from './port.ts'

export const scenarios: readonly Scenario[] = [
  publish,
  batch,
  fanOut,
  threeServers,
  latencyAtOne,
  latencyAcross,
  manyChannels,
  idle,
  stalled,
  growth,
  twoProcesses,
]
