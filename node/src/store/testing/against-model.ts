import { type DredError, type Origin, originOf, VersionVector } from '@dred/protocol'
import { assert, describe, expect, it } from 'vitest'
import type { StoreHarness } from '../contract.ts'
import { EXPIRED_MESSAGES_KEPT_MS } from '../entries.ts'
import type { AppendResult, LoggedMessage, NewEntry, OriginEntry, Store } from '../port.ts'
import { StoreModel } from './model.ts'
import { Random } from './random.ts'
import { at, genesis, message, type NewGenesis } from './samples.ts'

const ROUNDS = 120
const DAY_MS = 86_400_000
const PEERS: readonly [number, number][] = [
  [1, 1],
  [1, 2],
  [2, 1_700_000_000_000],
  [3, 5],
]

/** Drives an adapter and a plain model with the same seeded writes and compares everything that can be read. */
export function describeAgainstModel(name: string, prepare: () => Promise<StoreHarness>, seeds: readonly number[]): void {
  describe(`${name} against a model`, () => {
    it.each(seeds)('is the same for seed %i', async (seed) => {
      const harness = await prepare()
      const run = new Run(new Random(seed), await harness.open())
      try {
        for (let round = 0; round < ROUNDS; round++) {
          await run.write()
          if (round % 3 === 0) await run.compare()
          if (round % 40 === 39) await run.reopen(harness)
        }
      } finally {
        await run.store.close()
        await harness.dispose()
      }
      expect(run.model.announced.length).toBeGreaterThan(ROUNDS)
    })
  })
}

class Run {
  store: Store
  readonly model = new StoreModel()
  readonly #random: Random
  readonly #channels: [NewGenesis, ...NewGenesis[]]
  readonly #sent: NewEntry[] = []
  readonly #announced: string[] = []
  #now = 1_000_000
  #incarnation = 1
  #count = 0

  constructor(random: Random, store: Store) {
    this.#random = random
    this.store = store
    const channel = (i: number): NewGenesis => genesis(`channel ${i}`, { createdAt: this.#now, idleMs: 1_000 * 4 ** i })
    this.#channels = [channel(1), channel(2), channel(3), channel(4), channel(5)]
    this.#listen()
  }

  async reopen(harness: StoreHarness): Promise<void> {
    await this.store.close()
    this.store = await harness.open()
    this.#incarnation++
    this.#listen()
  }

  /** A handful of writes at once, or a purge. */
  async write(): Promise<void> {
    const jump = this.#random.chance(4) ? this.#random.pick([40 * DAY_MS, EXPIRED_MESSAGES_KEPT_MS, 1]) : 0
    this.#now += jump + this.#random.below(1_500)
    if (this.#random.chance(15)) {
      assert.deepEqual(await this.store.purge(this.#now), this.model.purge(this.#now))
      return
    }
    const writes = Array.from({ length: 1 + this.#random.below(8) }, () => (this.#random.chance(40) ? this.#append() : this.#replicate()))
    for (const { got, expected } of writes) assert.deepEqual(await got, expected)
  }

  async compare(): Promise<void> {
    const { model, store } = this
    assert.deepEqual(this.#announced, model.announced)
    assert.deepEqual((await store.vector()).toData(), Object.fromEntries([...model.vector].map(([origin, n]) => [origin, [n]])))
    const known = await store.channels(undefined, 100)
    assert.deepEqual(
      known.map(({ id }) => id),
      model.channels(),
    )
    for (const [server, incarnation] of [...PEERS, [7, this.#incarnation] as const]) {
      const from = 1 + this.#random.below(30)
      const range = { server, incarnation, from, to: from + this.#random.below(60) }
      const limit = 1 + this.#random.below(30)
      assert.deepEqual(await store.readOrigin(range, limit), model.readOrigin(range).slice(0, limit))
    }
    for (const { id } of this.#channels) await this.#compareChannel(id)
  }

  async #compareChannel(id: string): Promise<void> {
    const { model, store } = this
    const expected = model.channel(id)
    const state = await store.channel(id)
    assert.deepEqual(
      state && { messages: state.messages, lastActivityAt: state.lastActivityAt, vector: state.vector.toData() },
      expected && { ...expected, vector: expected.vector.toData() },
    )
    const purged = await store.purged(id)
    assert.deepEqual(purged.toData(), model.purged(id).toData())
    for (const cursor of [this.#cursor(), this.#cursor(), purged, new VersionVector()]) {
      const covers = ({ coordinate }: { coordinate: OriginEntry['coordinate'] }): boolean => cursor.has(originOf(coordinate), coordinate.n)
      const uncovered = model.log(id).filter((entry) => !covers(entry))
      assert.deepEqual(
        (await this.#readForward(id, cursor)).map(({ entry }) => entry),
        uncovered,
      )
      const limit = 1 + this.#random.below(20)
      const newest = await store.readBackward(id, cursor, limit)
      assert.deepEqual(
        newest.map(({ entry }) => entry),
        model.log(id).filter(covers).slice(-limit),
      )
    }
    const all = await store.readBackward(id, undefined, 10_000)
    assert.deepEqual(
      all.map(({ entry }) => entry),
      model.log(id),
    )
    assert.isTrue(all.every(({ position }, i) => i === 0 || position > (all[i - 1]?.position ?? 0)))
  }

  async #readForward(channel: string, seen: VersionVector): Promise<LoggedMessage[]> {
    const limit = 1 + this.#random.below(20)
    const messages: LoggedMessage[] = []
    for (;;) {
      const after = messages.at(-1)?.position
      const page = await this.store.readForward(channel, seen, { limit, ...(after === undefined ? {} : { after }) })
      messages.push(...page)
      if (page.length < limit) return messages
    }
  }

  #append(): { got: Promise<AppendResult | string>; expected: AppendResult | string } {
    const entry = this.#entry()
    const self = { server: 7, incarnation: this.#incarnation }
    const got = this.store.append(entry, self, this.#now).catch((error: DredError) => error.code)
    return { got, expected: this.model.append(entry, self, this.#now) }
  }

  #replicate(): { got: Promise<string>; expected: string } {
    const [server, incarnation] = this.#random.pick(PEERS) ?? [1, 1]
    const next = (this.model.vector.get(originOf({ server, incarnation })) ?? 0) + 1
    const n = this.#random.chance(80) ? next : Math.max(1, next + this.#random.below(5) - 2)
    const entry = this.#originEntry(at(this.#entry(), [server, incarnation, n], this.#now))
    return { got: this.store.replicate(entry), expected: this.model.replicate(entry) }
  }

  #originEntry(entry: ReturnType<typeof at>): OriginEntry {
    const { coordinate, channel, id } = entry
    if (this.#random.chance(3)) return { kind: 'gone', coordinate: { ...coordinate, n: coordinate.n + this.#random.below(3) } }
    return this.#random.chance(5) ? { kind: 'reference', coordinate, channel, id } : entry
  }

  /** New or seen before, of any age. */
  #entry(): NewEntry {
    const channel = this.#random.pick(this.#channels)
    const known = this.#random.chance(25) ? this.#random.pick(this.#sent) : undefined
    if (known) return known
    if (this.#random.chance(5)) return channel
    const sentAt = this.#now - this.#random.below(6_000)
    const entry = message(channel.id, `message ${this.#count++}`, { sentAt, lifetimeMs: this.#random.pick([1_000, 5_000, 20_000, DAY_MS]) })
    this.#sent.push(entry)
    return entry
  }

  /** Any mix of watermarks and counts beyond them. */
  #cursor(): VersionVector {
    const cursor = new VersionVector()
    for (const [origin, upTo] of this.model.vector) {
      if (this.#random.chance(20)) continue
      cursor.raise(origin, this.#random.below(upTo + 3))
      while (this.#random.chance(30)) cursor.add(origin as Origin, 1 + this.#random.below(upTo + 5))
    }
    return cursor
  }

  #listen(): void {
    this.store.onAppended(({ id }) => this.#announced.push(id))
  }
}
