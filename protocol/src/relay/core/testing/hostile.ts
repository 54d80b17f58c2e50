import type { CoreFrame } from '../types.ts'
import { message, type NetworkOptions, START, TestNetwork } from './network.ts'

/** Server 1 as it hears from server 2 what a test makes up. @param options `servers`: how many there are */
export function hostile({ servers = 2, ...options }: NetworkOptions & { servers?: number } = {}) {
  const net = new TestNetwork(servers, options).linkAll()
  const server = net.server(1)
  server.effects.length = 0
  const say = (frame: CoreFrame): void => net.hear(1, 2, frame)
  /** A message that server 2 counts. */
  const made = (n: number, fields: Partial<Parameters<typeof message>[1]> = {}) =>
    message({ server: 2, incarnation: START + 2, n }, { sentAt: START + net.nowMs, clock: (START + net.nowMs) * 1_000, ...fields })
  return { net, server, say, made, entry: (...of: Parameters<typeof made>) => made(...of).entry }
}
