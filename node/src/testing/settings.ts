import { noLimits } from '../limits/config.ts'
import type { NodeSettings } from '../node-port.ts'

/** Of a server on free ports, without limits. */
export const testSettings: NodeSettings = {
  host: '127.0.0.1',
  port: 0,
  admin: { host: '127.0.0.1', port: 0 },
  limits: noLimits,
  maxStreams: 1_000,
  trustProxy: [],
}
