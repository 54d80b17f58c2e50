import { type StoredEvent, VersionVector } from '@dred/protocol'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { TrackedChannel } from '../channel-tracker.ts'
import { ReceiptSigner } from '../receipt-signer.ts'
import { FakeLadder } from '../testing/fake-ladder.ts'
import { MemoryRegistry } from '../testing/registry-view.ts'
import { StoredLevels } from './stored-levels.ts'

let ladder: FakeLadder
let incarnation: number
let signed: number
let levels: StoredLevels

beforeEach(() => {
  vi.useFakeTimers()
  ladder = new FakeLadder(3)
  incarnation = 1_000
  signed = 0
  const sign = async (): Promise<Uint8Array> => {
    signed++
    return new Uint8Array(64)
  }
  levels = new StoredLevels({
    signer: new ReceiptSigner({ registry: new MemoryRegistry(), key: { sign }, now: () => 5_000 }),
    replicator: ladder,
    self: () => ({ server: 1, incarnation }),
    everyMs: 100,
  })
})
afterEach(() => {
  levels.stop()
  vi.useRealTimers()
})

/** A channel whose last message at this server has the count `top`. */
function channelWith(top: number): TrackedChannel {
  return { vector: VersionVector.from(top === 0 ? {} : { '1-1000': [top] }) } as TrackedChannel
}

type Rung = [n: number, stored: number, servers: number]
const rungs = (events: readonly StoredEvent[]): Rung[] => events.map(({ n, stored, servers }) => [n, stored, servers])

/** Readers of a channel, and what they were told, round by round. */
function follow(channel: TrackedChannel) {
  const rounds: Rung[][] = []
  const follower = levels.follow(channel, (events) => rounds.push(rungs(events)))
  return { rounds, follower }
}

function say(channel: TrackedChannel, n: number): void {
  channel.vector.raise(`1-${incarnation}`, n)
  levels.changed()
}

const round = () => vi.advanceTimersByTimeAsync(100)

describe("a channel's readers", () => {
  test('are told of each server that has its messages, from this one on', async () => {
    const { rounds } = follow(channelWith(4))
    await round()
    ladder.hear([4, 3, 0])
    await round()
    ladder.hear([4, 4, 4])
    await round()
    expect(rounds).toEqual([[[4, 1, 3]], [[3, 2, 3]], [[4, 3, 3]]])
  })

  test('get whole statements of this server', async () => {
    const told: StoredEvent[] = []
    levels.follow(channelWith(4), (events) => told.push(...events))
    await round()
    expect(told).toEqual([
      {
        type: 'stored',
        v: 1,
        chainId: 31_337,
        serverRegistry: '0x00000000000000000000000000000000000000aa',
        server: 1,
        incarnation: 1_000,
        n: 4,
        stored: 1,
        servers: 3,
        signedAt: 5_000,
        signature: 'A'.repeat(86),
      },
    ])
  })

  test('are told what is new at once, and what follows in 100 ms at most once', async () => {
    const channel = channelWith(1)
    const { rounds } = follow(channel)
    await vi.advanceTimersByTimeAsync(0)
    expect(rounds).toEqual([[[1, 1, 3]]])
    for (let n = 2; n <= 50; n++) {
      say(channel, n)
      ladder.hear([n, n - 1, n - 2])
      await vi.advanceTimersByTimeAsync(1)
    }
    expect(rounds).toHaveLength(1)
    await vi.advanceTimersByTimeAsync(51)
    expect(rounds[1]).toEqual([
      [48, 3, 3],
      [49, 2, 3],
      [50, 1, 3],
    ])
    await vi.advanceTimersByTimeAsync(1_000)
    expect(rounds).toHaveLength(2)
  })

  test('hear nothing of what is no message of theirs', async () => {
    const quiet = follow(channelWith(0))
    const early = follow(channelWith(3))
    const late = channelWith(9)
    const busy = follow(late)
    await round()
    ladder.hear([9, 5, 5])
    await round()
    ladder.hear([9, 9, 9])
    await round()
    expect(quiet.rounds).toEqual([])
    // That message 9 is stored on one server says the same of message 3; what follows the 5th is none of theirs.
    expect(early.rounds).toEqual([[[9, 1, 3]], [[5, 3, 3]]])
    expect(busy.rounds).toEqual([[[9, 1, 3]], [[5, 3, 3]], [[9, 3, 3]]])
  })

  test('are told again when the neighborhood has another size', async () => {
    const { rounds } = follow(channelWith(4))
    ladder.hear([4, 4, 4])
    await round()
    ladder.hear([4, 4, 4], 4)
    await round()
    expect(rounds).toEqual([[[4, 3, 3]], [[4, 3, 4]]])
  })

  test('are told of the present incarnation only', async () => {
    const channel = channelWith(4)
    const { rounds } = follow(channel)
    ladder.hear([4, 4, 0])
    await round()
    incarnation = 1_001
    ladder.hear([0, 0, 0])
    await round()
    say(channel, 2)
    await round()
    expect(rounds).toEqual([[[4, 2, 3]], [[2, 1, 3]]])
  })

  test('who come later are told what the others know', async () => {
    const channel = channelWith(4)
    const { follower } = follow(channel)
    expect(follower.known()).toEqual([])
    await round()
    ladder.hear([4, 4, 3])
    await round()
    const before = signed
    expect(rungs(follower.known())).toEqual([
      [3, 3, 3],
      [4, 2, 3],
    ])
    const other = follow(channelWith(2))
    await round()
    expect(rungs(other.follower.known())).toEqual([[3, 3, 3]])
    expect(other.rounds, 'nothing is said twice').toEqual([])
    expect(signed).toBe(before)
  })

  test('are told of what happens while it is signed', async () => {
    const channel = channelWith(1)
    const { rounds } = follow(channel)
    vi.advanceTimersByTime(0)
    // The round has begun, its signatures are under way.
    ladder.hear([1, 1, 1])
    await round()
    expect(rounds).toEqual([[[1, 1, 3]], [[1, 3, 3]]])
  })
})

test('nothing is left behind', () => {
  follow(channelWith(1))
  expect([ladder.listeners, vi.getTimerCount()]).toEqual([1, 1])
  levels.stop()
  expect([ladder.listeners, vi.getTimerCount()]).toEqual([0, 0])
})

test('one statement is signed for all channels, and none without readers', async () => {
  ladder.hear([9, 9, 9])
  expect(vi.getTimerCount()).toBe(0)
  const follows = [9, 8, 7].map((top) => follow(channelWith(top)))
  await round()
  expect(follows.map(({ rounds }) => rounds)).toEqual([[[[9, 3, 3]]], [[[9, 3, 3]]], [[[9, 3, 3]]]])
  expect(signed).toBe(1)
  for (const { follower } of follows) follower.stop()
  ladder.hear([10, 10, 10])
  await round()
  expect(signed).toBe(1)
})
