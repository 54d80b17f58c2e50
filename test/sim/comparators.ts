import { type BodyEntry, type CoreFrame, HybridClock, type RelayEffect, type RelayEvent } from '@dred/protocol/relay'
import type { Protocol } from './machine.ts'
import { coordinateKey } from './messages.ts'

/** Every server sends what is new to it to all others but the one that it came from. */
export const flood: Protocol = () => pushing((peers) => peers)

/** Every server sends what is new to it to three others, drawn each time. */
export const gossip: Protocol = ({ random }) => pushing((peers) => random.sample(peers, 3))

/** What they have in common: nothing is acknowledged, repaired or waited for. */
function pushing(choose: (peers: readonly number[]) => readonly number[]): ReturnType<Protocol> {
  const clock = new HybridClock()
  const peers = new Set<number>()
  /** What is known already; with its sender while it is verified. */
  const seen = new Map<string, { entry: BodyEntry; sender: number | undefined }>()

  const push = (entry: BodyEntry, sender: number | undefined): RelayEffect[] => {
    const frame = { type: 'MSG', entry, cover: [] } as const
    return choose([...peers].filter((peer) => peer !== sender)).map((peer) => ({ type: 'send', peer, frame, lane: 'live' }))
  }
  const receive = (sender: number, frame: CoreFrame): RelayEffect[] => {
    if (frame.type !== 'MSG' || frame.entry.kind !== 'message') return []
    const { entry } = frame
    const key = coordinateKey(entry.coordinate)
    if (seen.has(key)) return []
    seen.set(key, { entry, sender })
    return [{ type: 'verify', entry, peer: sender }]
  }
  const step = (event: RelayEvent): RelayEffect[] => {
    if (event.type === 'link-up') peers.add(event.peer)
    if (event.type === 'link-down') peers.delete(event.peer)
    if (event.type === 'submitted') return [{ type: 'admit', ticket: event.ticket }]
    if (event.type === 'appended') {
      seen.set(coordinateKey(event.entry.coordinate), { entry: event.entry, sender: undefined })
      return push(event.entry, undefined)
    }
    if (event.type === 'frame') return receive(event.peer, event.frame)
    const known = event.type === 'verified' ? seen.get(coordinateKey(event.coordinate)) : undefined
    return known ? [{ type: 'store', entry: known.entry }, ...push(known.entry, known.sender)] : []
  }
  return { step, tick: (unixMs) => clock.tick(unixMs) }
}
