import { type DredError, type Origin, originOf, VersionVector } from '@dred/protocol'
import { Random } from '@dred/protocol/testing/random'
import { assert, describe, expect, it } from 'vitest'
import type { StoreHarness } from './contract.ts'
import { EXPIRED_MESSAGES_KEPT_MS } from '../entries.ts'
import type { AppendResult, LoggedMessage, NewEntry, OriginEntry, RetentionCaps, Store } from '../port.ts'
import { type ModelPlace, StoreModel } from './model.ts'
import { at, control, genesis, message, type NewGenesis } from './samples.ts'

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
  #clock = 0
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
    const jump = this.#random.chance(0.04) ? this.#random.pick([40 * DAY_MS, EXPIRED_MESSAGES_KEPT_MS, 1]) : 0
    this.#now += jump + this.#random.below(1_500)
    if (this.#random.chance(0.15)) {
      assert.deepEqual(await this.store.purge(this.#now), this.model.purge(this.#now))
      return
    }
    if (this.#random.chance(0.1)) {
      const caps = this.#caps()
      assert.deepEqual(await this.store.cut(caps, this.#now), this.model.cut(caps, this.#now), JSON.stringify(caps))
      return
    }
    const writes = Array.from({ length: 1 + this.#random.below(8) }, () => (this.#random.chance(0.4) ? this.#append() : this.#replicate()))
    for (const { got, expected } of writes) assert.deepEqual(await got, expected)
  }

  async compare(): Promise<void> {
    const { model, store } = this
    assert.deepEqual(this.#announced, model.announced)
    assert.deepEqual((await store.vector()).toData(), model.vector.toData())
    assert.deepEqual(await store.floors(), model.floors())
    assert.deepEqual(await store.account(), model.account())
    const asked = [...this.#sent.slice(-20), ...this.#channels].map(({ id }) => id)
    assert.deepEqual(await store.unknown(asked), model.unknown(asked))
    const { found } = await store.channels(undefined, { limit: 100 })
    assert.deepEqual(
      found.map(({ id }) => id),
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
      const covers = ({ entry }: ModelPlace): boolean => cursor.has(originOf(entry.coordinate), entry.coordinate.n)
      const log = model.log(id)
      assert.deepEqual(
        (await this.#readForward(id, cursor)).map(place),
        log.filter((logged) => !covers(logged)),
      )
      assert.deepEqual((await this.#readBackward(id, cursor)).map(place), log.filter(covers))
      const limit = 1 + this.#random.below(20)
      assert.deepEqual((await store.readBackward(id, cursor, { limit })).map(place), log.filter(covers).slice(-limit))
    }
    assert.deepEqual((await store.controls(id, { limit: 1_000 })).map(place), model.controls(id))
    const all = await this.#readBackward(id, model.vector)
    assert.deepEqual(all.map(place), model.log(id))
    assert.isTrue(all.every(({ position }, i) => i === 0 || position > (all[i - 1]?.position ?? 0)))
    await this.#compareAhead(id, all)
  }

  async #compareAhead(channel: string, log: readonly LoggedMessage[]): Promise<void> {
    const at = this.#random.below(log.length + 1)
    const before = log[at]?.position ?? Number.MAX_SAFE_INTEGER
    const counts: Record<Origin, number> = {}
    for (const { entry } of log.slice(at)) if (this.#random.chance(0.5)) counts[originOf(entry.coordinate)] ??= entry.coordinate.n
    const coordinates = log.slice(0, at).map(({ entry }) => entry.coordinate)
    const expected = coordinates.filter((coordinate) => coordinate.n > (counts[originOf(coordinate)] ?? Number.POSITIVE_INFINITY))
    assert.sameDeepMembers(await this.store.ahead(channel, counts, before), expected)
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

  async #readBackward(channel: string, within: VersionVector): Promise<LoggedMessage[]> {
    const limit = 1 + this.#random.below(20)
    const messages: LoggedMessage[] = []
    for (;;) {
      const before = messages[0]?.position
      const page = await this.store.readBackward(channel, within, { limit, ...(before === undefined ? {} : { before }) })
      messages.unshift(...page)
      if (page.length < limit) return messages
    }
  }

  #append(): { got: Promise<AppendResult | string>; expected: AppendResult | string } {
    const entry = this.#entry()
    const self = { server: 7, incarnation: this.#incarnation }
    this.#clock = Math.max(this.#clock + 1, this.#now)
    const got = this.store.append(entry, self, this.#clock).catch((error: DredError) => error.code)
    return { got, expected: this.model.append(entry, self, this.#clock) }
  }

  #replicate(): { got: Promise<string>; expected: string } {
    const [server, incarnation] = this.#random.pick(PEERS) ?? [1, 1]
    const next = this.model.vector.watermark(originOf({ server, incarnation })) + 1
    const n = this.#random.chance(0.6) ? next : Math.max(1, next + this.#random.below(12) - 2)
    const entry = this.#originEntry(at(this.#entry(), [server, incarnation, n], this.#now))
    return { got: this.store.replicate(entry), expected: this.model.replicate(entry) }
  }

  #originEntry(entry: ReturnType<typeof at>): OriginEntry {
    const { coordinate, channel, id } = entry
    if (this.#random.chance(0.03)) {
      const from = Math.max(1, coordinate.n - this.#random.below(3))
      return { kind: 'gone', coordinate: { ...coordinate, n: coordinate.n + this.#random.below(3) }, from }
    }
    return this.#random.chance(0.05) ? { kind: 'reference', coordinate, channel, id } : entry
  }

  /** New or seen before, of any age. */
  #entry(): NewEntry {
    const channel = this.#random.pick(this.#channels)
    const known = this.#random.chance(0.25) ? this.#random.pick(this.#sent) : undefined
    if (known) return known
    if (this.#random.chance(0.05)) return channel
    const sentAt = this.#now - this.#random.below(6_000)
    const text = `message ${this.#count++} ${'ü'.repeat(this.#random.below(60))}`
    const lifetimeMs = this.#random.pick([1_000, 5_000, 20_000, DAY_MS])
    const entry = this.#random.chance(0.15) ? control(channel.id, text, { sentAt }) : message(channel.id, text, { sentAt, lifetimeMs })
    this.#sent.push(entry)
    return entry
  }

  /** One bound, or a few. */
  #caps(): RetentionCaps {
    const { messages, bytes } = this.model.account()
    const bounds: Required<RetentionCaps> = {
      maxMessages: this.#random.below(20),
      maxBytes: this.#random.below(3_000),
      totalMessages: this.#random.below(messages + 2),
      totalBytes: this.#random.below(bytes + 2),
      maxLifetimeMs: 1 + this.#random.below(8_000),
      maxIdleMs: 1 + this.#random.below(8_000),
    }
    return Object.fromEntries(Object.entries(bounds).filter(() => this.#random.chance(0.3)))
  }

  /** Any mix of watermarks and counts beyond them. */
  #cursor(): VersionVector {
    const cursor = new VersionVector()
    for (const origin of this.model.vector.origins) {
      if (this.#random.chance(0.2)) continue
      const upTo = this.model.vector.watermark(origin)
      cursor.raise(origin, this.#random.below(upTo + 3))
      while (this.#random.chance(0.3)) cursor.add(origin, 1 + this.#random.below(upTo + 12))
    }
    return cursor
  }

  #listen(): void {
    this.store.onAppended(({ id }) => this.#announced.push(id))
  }
}

function place({ entry, watermark }: LoggedMessage): ModelPlace {
  return { entry, watermark }
}
