import { type Coordinate, type Origin, originOf, VersionVector } from '@dred/protocol'
import type { BodyEntry, Floors, OriginRange, WireEntry } from '@dred/protocol/relay'

type Logged = { atMs: number; origin: Origin } & ({ entry: BodyEntry; id: string } | { from: number; to: number })

export interface StoreHost {
  readonly nowMs: number
  /** How long the next write takes, ms. */
  writeMs(): number
  after(ms: number, run: () => void): void
  /** Whether what was being written when the power failed is durable all the same. */
  survives(): boolean
  /** An entry is durable. */
  logged(entry: BodyEntry, id: string): void
}

interface Write {
  apply: () => () => void
  fail: () => void
}

type Replicated = 'stored' | 'known' | 'refused' | 'failed'

/** What a server keeps, as the product's stores do it: writes become durable in groups, some time after they were asked for. */
export class SimulatedStore {
  readonly #host: StoreHost
  #vector = new VersionVector()
  #kept = new Map<Origin, Map<number, { entry: BodyEntry; id: string }>>()
  #floors = new Map<Origin, number>()
  /** When each id was logged first. */
  #ids = new Map<string, number>()
  #log: Logged[] = []
  #waiting: Write[] = []
  #writing: Write[] = []
  #life = 0
  up = true

  constructor(host: StoreHost) {
    this.#host = host
  }

  /** What is durable; not to be changed. */
  get vector(): VersionVector {
    return this.#vector
  }

  get floors(): Floors {
    return Object.fromEntries(this.#floors)
  }

  /** Ids in the order in which they were logged, purged ones among them. */
  get ids(): ReadonlyMap<string, number> {
    return this.#ids
  }

  unknown(ids: readonly string[]): string[] {
    return ids.filter((id) => !this.#ids.has(id))
  }

  has({ server, incarnation, n }: Coordinate): boolean {
    return this.#kept.get(originOf({ server, incarnation }))?.has(n) ?? false
  }

  replicate(entry: WireEntry, id: string | undefined, answer: (result: Replicated) => void): void {
    this.#write({
      apply: () => {
        const result = this.#replicate(entry, id)
        return () => answer(result)
      },
      fail: () => answer('failed'),
    })
  }

  /**
   * Gives an entry of a client the next count of an origin.
   * @param answer with nothing when its id is known; not called when the store fails first
   */
  append(
    entry: { id: string; of(coordinate: Coordinate): BodyEntry },
    self: Omit<Coordinate, 'n'>,
    answer: (entry?: BodyEntry) => void,
  ): void {
    this.#write({
      apply: () => {
        if (this.#ids.has(entry.id)) return () => answer()
        const appended = entry.of({ ...self, n: this.#vector.watermark(originOf(self)) + 1 })
        this.#keep(appended, entry.id, this.#host.nowMs)
        this.#host.logged(appended, entry.id)
        return () => answer(appended)
      },
      fail: () => undefined,
    })
  }

  /** Calls back once all that was asked for before has been answered; not when the store fails first. */
  settled(done: () => void): void {
    this.#write({ apply: () => done, fail: () => undefined })
  }

  read({ server, incarnation, from, to }: OriginRange, limit: number): WireEntry[] {
    const origin = originOf({ server, incarnation })
    const kept = this.#kept.get(origin) ?? new Map<number, { entry: BodyEntry }>()
    const known = this.#vector.toData()[origin] ?? [0]
    const entries: WireEntry[] = []
    let gone: { kind: 'gone'; coordinate: Coordinate; from: number } | undefined
    for (let n = from; n <= Math.min(to, Math.max(...known)) && entries.length < limit; n++) {
      const entry = kept.get(n)?.entry
      if (entry) entries.push(entry)
      if (entry || !this.#vector.has(origin, n)) gone = undefined
      else if (gone) gone.coordinate.n = n
      else entries.push((gone = { kind: 'gone', coordinate: { server, incarnation, n }, from: n }))
    }
    return entries
  }

  /** Deletes what expired before `unixMs`. @returns whether there was something */
  purge(unixMs: number): boolean {
    let purged = false
    for (const [origin, kept] of this.#kept) {
      const before = kept.size
      for (const [n, { entry }] of kept) if (entry.expiresAt < unixMs) kept.delete(n)
      if (kept.size === before) continue
      purged = true
      this.#setFloor(origin)
    }
    return purged
  }

  /** The process ends: what waits to be written is lost, what is being written perhaps. */
  crash(): void {
    if (this.#writing.length > 0 && this.#host.survives()) for (const { apply } of this.#writing) apply()
    this.#waiting = []
    this.#writing = []
    this.#life++
  }

  /** Goes out of reach: writers are told. */
  fail(): void {
    const failed = [...this.#writing, ...this.#waiting]
    this.crash()
    this.up = false
    for (const { fail } of failed) fail()
  }

  /** Forgets what was written in the last `ms`: the disk had not kept its word. */
  lose(ms: number): void {
    const log = this.#log.filter(({ atMs }) => atMs <= this.#host.nowMs - ms)
    const floors = this.#floors
    this.#vector = new VersionVector()
    this.#kept = new Map()
    this.#ids = new Map()
    this.#log = []
    for (const each of log) {
      if ('id' in each) this.#keep(each.entry, each.id, each.atMs)
      else this.#markGone(each, each.atMs)
    }
    for (const [origin, floor] of floors) {
      for (const n of this.#kept.get(origin)?.keys() ?? []) if (n <= floor) this.#kept.get(origin)?.delete(n)
      this.#setFloor(origin)
    }
  }

  #write(write: Write): void {
    if (!this.up) {
      const life = this.#life
      this.#host.after(0, () => this.#life === life && write.fail())
      return
    }
    this.#waiting.push(write)
    if (this.#writing.length === 0) this.#commit()
  }

  #commit(): void {
    this.#writing = this.#waiting
    this.#waiting = []
    const life = this.#life
    this.#host.after(this.#host.writeMs(), () => {
      if (this.#life !== life) return
      const answers = this.#writing.map(({ apply }) => apply())
      this.#writing = []
      for (const answer of answers) if (this.#life === life) answer()
      if (this.#life === life && this.#waiting.length > 0 && this.#writing.length === 0) this.#commit()
    })
  }

  #replicate(entry: WireEntry, id: string | undefined): Replicated {
    const { coordinate } = entry
    const origin = originOf(coordinate)
    if (entry.kind === 'gone') return this.#markGone({ origin, from: entry.from, to: coordinate.n }, this.#host.nowMs)
    if (this.#vector.has(origin, coordinate.n)) return 'known'
    if (entry.kind === 'reference') throw new Error('No server of a simulation makes references')
    if (id === undefined) throw new Error('An entry is to be stored that was not verified')
    if (!this.#keep(entry, id, this.#host.nowMs)) return 'refused'
    this.#host.logged(entry, id)
    return 'stored'
  }

  #keep(entry: BodyEntry, id: string, atMs: number): boolean {
    const origin = originOf(entry.coordinate)
    if (!this.#vector.add(origin, entry.coordinate.n)) return false
    const kept = this.#kept.get(origin) ?? new Map<number, { entry: BodyEntry; id: string }>()
    this.#kept.set(origin, kept)
    kept.set(entry.coordinate.n, { entry, id })
    this.#log.push({ atMs, origin, entry, id })
    if (!this.#ids.has(id)) this.#ids.set(id, atMs)
    return true
  }

  #markGone({ origin, from, to }: { origin: Origin; from: number; to: number }, atMs: number): 'stored' | 'known' | 'refused' {
    if (to <= this.#vector.watermark(origin)) return 'known'
    if (!this.#vector.addRange(origin, from, to)) return 'refused'
    this.#log.push({ atMs, origin, from, to })
    this.#setFloor(origin)
    return 'stored'
  }

  #setFloor(origin: Origin): void {
    let floor = this.#vector.watermark(origin)
    for (const n of this.#kept.get(origin)?.keys() ?? []) if (n <= floor) floor = n - 1
    if (floor > 0) this.#floors.set(origin, floor)
    else this.#floors.delete(origin)
  }
}
