import type { Coordinate } from '../../schemas.ts'
import { type Origin, originOf } from '../../version-vector.ts'
import { keyOf, sizeOf } from './coordinates.ts'
import type { Peer } from './peer.ts'
import type { Relay } from './relay.ts'
import { Room } from './room.ts'
import type { NoReason, RelayEvent, WireEntry } from './types.ts'

interface Pending {
  readonly entry: WireEntry
  /** Who sent it first. */
  readonly sender: number
  readonly bytes: number
  /** Counts that it adds beyond a gap, as of when it came. */
  readonly exceptions: number
  id: string | undefined
  /** It, with the expiry that follows from its channel: what the sender says of that is not signed. */
  passed: WireEntry
  /** Servers to pass it on to, once it is verified. */
  cover: readonly number[]
  /** Peers that sent it and wait for the confirmation. */
  readonly tell: Set<number>
}

type Stored = Extract<RelayEvent, { type: 'stored' }>['result']

/** Entries on their way from a peer to the store: verified, passed on, held until what they follow is there, stored, confirmed. */
export class Intake {
  readonly #relay: Relay
  readonly #pending = new Map<string, Pending>()
  /** Of those that were forgotten while they were being verified: the answer is still to come, and is not for what comes meanwhile. */
  readonly #stale = new Set<string>()
  readonly #bytesOf = new Map<Origin, number>()
  readonly #bytesFrom = new Map<number, number>()
  readonly #room: Room
  #bytes = 0
  /** Counts beyond gaps that are on their way. */
  #exceptions = 0

  constructor(relay: Relay) {
    this.#relay = relay
    this.#room = new Room(relay)
  }

  /** Bytes of all that is on its way. */
  get bytes(): number {
    return this.#bytes
  }

  has(origin: Origin, n: number): boolean {
    return this.#pending.has(`${origin}-${n}`)
  }

  /** Whether so many more counts of an origin, beyond a gap, may be taken, or its first. */
  hasRoom(origin: Origin, exceptions = 0): boolean {
    const isNew = !this.#relay.vector.knows(origin) && !this.#bytesOf.has(origin)
    return (!isNew || this.#room.forOrigin(origin, this.#bytesOf.size)) && this.#room.forExceptions(origin, exceptions, this.#exceptions)
  }

  /** A message that was sent live. */
  message(peer: Peer, entry: WireEntry, cover: readonly number[]): void {
    const { vector, teller } = this.#relay
    const origin = originOf(entry.coordinate)
    if (!this.#mayCome(peer, entry)) return
    if (vector.has(origin, entry.coordinate.n)) {
      this.#count(entry, true)
      this.#passOnStored(entry, cover)
      teller.tell(peer, entry.coordinate, this.#relay.timings.ackMs)
      return
    }
    const pending = this.#pending.get(keyOf(entry.coordinate))
    if (pending) {
      this.#count(entry, true)
      pending.tell.add(peer.id)
      // Verified already: what was to be passed on was.
      if (pending.id === undefined) pending.cover = [...new Set([...pending.cover, ...cover])].sort((a, b) => a - b)
      else this.#passOn(pending.passed, cover)
      return
    }
    this.#begin(peer, entry, cover)
  }

  /**
   * An entry of the answer to a PULL.
   * @returns whether it is on its way to the store because of that
   */
  pulled(peer: Peer, entry: WireEntry): boolean {
    if (!this.#mayCome(peer, entry)) return false
    const origin = originOf(entry.coordinate)
    const { n } = entry.coordinate
    if (this.has(origin, n) || (entry.kind !== 'gone' && this.#relay.vector.has(origin, n))) {
      this.#count(entry, true)
      return false
    }
    const before = this.#pending.size
    this.#begin(peer, entry, [])
    return this.#pending.size > before
  }

  /** Counts that no server keeps any more. */
  gone(entry: Extract<WireEntry, { kind: 'gone' }>): void {
    if (this.#pending.has(keyOf(entry.coordinate)) || !this.#relay.storing) return
    this.#add({ entry, passed: entry, sender: this.#relay.self, ...this.#costOf(entry), id: undefined, cover: [], tell: new Set() })
    this.#relay.emit({ type: 'store', entry })
  }

  verified({ coordinate, id, missing, expiresAt }: Extract<RelayEvent, { type: 'verified' }>): void {
    const { now, waiting, timings, vectors, peers } = this.#relay
    const pending = this.#pending.get(keyOf(coordinate))
    if (this.#stale.delete(keyOf(coordinate)) || !pending || pending.id !== undefined) return
    pending.id = id
    if ('expiresAt' in pending.entry && pending.entry.expiresAt !== expiresAt) pending.passed = { ...pending.entry, expiresAt }
    if (expiresAt <= now.unixMs) {
      this.#store(pending, { kind: 'gone', coordinate, from: coordinate.n })
      return
    }
    this.#passOn(pending.passed, pending.cover)
    const sender = peers.get(pending.sender)
    if (missing.length > 0 && sender) vectors.ask(sender)
    const release = (): void => {
      if (this.#pending.get(keyOf(coordinate)) !== pending) return
      const expired = expiresAt <= this.#relay.now.unixMs
      this.#store(pending, expired ? { kind: 'gone', coordinate, from: coordinate.n } : pending.entry)
    }
    waiting.hold({ id, missing, release }, timings.causalMs)
  }

  rejected(coordinate: Coordinate, detail: string): void {
    if (this.#stale.delete(keyOf(coordinate))) return
    const pending = this.#take(coordinate)
    if (pending) this.#relay.links.close(pending.sender, 'rejected_entry', detail)
  }

  /** It could not be verified now: it comes again. */
  dropped(coordinate: Coordinate): void {
    if (!this.#stale.delete(keyOf(coordinate))) this.#take(coordinate)
  }

  stored(coordinate: Coordinate, result: Stored): void {
    const pending = this.#take(coordinate)
    if (!pending || result === 'failed') return
    const { peers, teller } = this.#relay
    const told = [...pending.tell].flatMap((id) => peers.get(id) ?? [])
    if (result === 'refused') {
      for (const peer of told) this.#refuse(peer, coordinate, 'quota')
      return
    }
    this.#relay.took(pending.entry, pending.id, pending.sender)
    for (const peer of told) teller.tell(peer, coordinate, this.#relay.timings.ackMs)
  }

  /** The store is out of reach: nothing of this will be confirmed. */
  clear(): void {
    for (const [key, { entry, id }] of this.#pending) if ('canonical' in entry && id === undefined) this.#stale.add(key)
    this.#pending.clear()
    this.#bytesOf.clear()
    this.#bytesFrom.clear()
    this.#bytes = 0
    this.#exceptions = 0
  }

  #begin(peer: Peer, came: WireEntry, cover: readonly number[]): void {
    const entry = this.#believed(peer, came)
    if (!entry || this.#pending.has(keyOf(entry.coordinate))) return
    const { bounds, storing, clock, now } = this.#relay
    this.#count(entry, false)
    if (!storing || this.#stale.has(keyOf(entry.coordinate))) return
    const { bytes, exceptions } = this.#costOf(entry)
    const origin = originOf(entry.coordinate)
    if ('clock' in entry) {
      const aheadMs = clock.aheadMs(entry.clock, now.unixMs)
      if (aheadMs > bounds.aheadMs) {
        this.#refuse(peer, entry.coordinate, 'ahead')
        this.#relay.repair.expected.later(peer, origin, { n: entry.coordinate.n, forMs: aheadMs - bounds.aheadMs })
        return
      }
      // Else a peer could drag this clock to where others refuse what is counted by it.
      clock.observe(Math.min(entry.clock, Math.floor((now.unixMs + bounds.aheadMs / 2) * 1_000)))
    }
    const full =
      this.#bytes + bytes > bounds.pendingBytes ||
      (this.#bytesOf.get(origin) ?? 0) + bytes > bounds.originBytes ||
      (this.#bytesFrom.get(peer.id) ?? 0) + bytes > bounds.senderBytes
    if (full || !this.hasRoom(origin, exceptions)) {
      this.#refuse(peer, entry.coordinate, 'quota')
      return
    }
    const pending: Pending = { entry, passed: entry, sender: peer.id, bytes, exceptions, id: undefined, cover, tell: new Set([peer.id]) }
    this.#add(pending)
    if ('canonical' in entry) {
      this.#relay.emit({ type: 'verify', entry, peer: peer.id })
      return
    }
    if (entry.kind === 'reference') {
      pending.id = entry.id
      this.#passOn(entry, cover)
      this.#store(pending, entry)
    } else this.#store(pending, entry)
  }

  #store(pending: Pending, entry: WireEntry): void {
    if (!this.#relay.storing) {
      this.#take(pending.entry.coordinate)
      return
    }
    if (entry === pending.entry) this.#relay.forwarder.cache.add(pending.passed)
    this.#relay.emit({ type: 'store', entry })
  }

  /** Nobody but this server counts for its present incarnation. */
  #mayCome(peer: Peer, { coordinate }: WireEntry): boolean {
    const { self, incarnation, vector, links, repair } = this.#relay
    if (coordinate.server !== self || coordinate.incarnation < incarnation) return true
    if (coordinate.incarnation === incarnation && vector.has(originOf(coordinate), coordinate.n)) return true
    if (coordinate.incarnation > incarnation) repair.outgrow(peer, coordinate.incarnation)
    else links.close(peer.id, 'rejected_entry', 'Only this server counts what clients hand to it')
    return false
  }

  /** What came was not verified: what is here goes on, or is asked for. */
  #passOnStored(came: WireEntry, cover: readonly number[]): void {
    const { forwarder, router, peers } = this.#relay
    const { coordinate } = came
    const entry = cover.length === 0 ? came : forwarder.cache.get(keyOf(coordinate))
    if (entry) {
      this.#passOn(entry, cover)
      return
    }
    for (const id of cover) {
      const peer = peers.get(id)
      if (peer && router.isMember(id) && id !== coordinate.server) forwarder.probe(peer, [coordinate])
    }
  }

  #costOf(entry: WireEntry): Pick<Pending, 'bytes' | 'exceptions'> {
    const { n } = entry.coordinate
    const from = entry.kind === 'gone' ? entry.from : n
    const inOrder = from <= this.#relay.vector.watermark(originOf(entry.coordinate)) + 1
    return { bytes: sizeOf(entry), exceptions: inOrder ? 0 : n - from + 1 }
  }

  /** As much of it as is believed. */
  #believed(peer: Peer, entry: WireEntry): WireEntry | undefined {
    if (entry.kind !== 'gone') return entry
    const n = this.#relay.goneClaims.believed(peer, entry)
    return n < entry.from ? undefined : { ...entry, coordinate: { ...entry.coordinate, n } }
  }

  #passOn(entry: WireEntry, cover: readonly number[]): void {
    const { forwarder, router, self, peers } = this.#relay
    if ('expiresAt' in entry && entry.expiresAt <= this.#relay.now.unixMs) return
    if (cover.length > 0) forwarder.forward(entry, cover)
    else if (router.comesHome && entry.coordinate.server !== self) {
      const home = peers.get(entry.coordinate.server)
      if (home) this.#relay.send(home, { type: 'HOME', coordinate: entry.coordinate })
    }
  }

  #refuse(peer: Peer, coordinate: Coordinate, reason: NoReason): void {
    this.#relay.counters.refused[reason]++
    this.#relay.send(peer, { type: 'NO', coordinate, reason })
  }

  #count(entry: WireEntry, duplicate: boolean): void {
    if (!('canonical' in entry)) return
    this.#relay.counters.bodies++
    if (duplicate) this.#relay.counters.duplicates++
  }

  #add(pending: Pending): void {
    const origin = originOf(pending.entry.coordinate)
    this.#pending.set(keyOf(pending.entry.coordinate), pending)
    this.#bytes += pending.bytes
    this.#exceptions += pending.exceptions
    add(this.#bytesOf, origin, pending.bytes)
    add(this.#bytesFrom, pending.sender, pending.bytes)
  }

  #take(coordinate: Coordinate): Pending | undefined {
    const key = keyOf(coordinate)
    const pending = this.#pending.get(key)
    if (!pending) return undefined
    this.#pending.delete(key)
    this.#bytes -= pending.bytes
    this.#exceptions -= pending.exceptions
    add(this.#bytesOf, originOf(coordinate), -pending.bytes)
    add(this.#bytesFrom, pending.sender, -pending.bytes)
    return pending
  }
}

function add<Key>(sums: Map<Key, number>, key: Key, amount: number): void {
  const sum = (sums.get(key) ?? 0) + amount
  if (sum > 0) sums.set(key, sum)
  else sums.delete(key)
}
