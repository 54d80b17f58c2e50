import { createHash } from 'node:crypto'
import { type Origin, VersionVector } from '@dred/protocol'
import type { CoreFrame, RelayEffect, SignedHead } from '@dred/protocol/relay'
import { coordinateKey, type Message, type Messages } from './messages.ts'
import type { SimulatedStore } from './store.ts'

/** What the checks see of a server. */
export interface Checked {
  readonly id: number
  readonly store: SimulatedStore
  readonly unixMs: number
  /** Messages that it has held for so long, of peers and of clients, and holds. */
  heldFor(ms: { peer: number; client: number }): readonly Message[]
}

export interface Violation {
  invariant: string
  /** Simulated ms. */
  atMs: number
  detail: string
  /** How often it was violated; the rest is of the first time. */
  times: number
}

/** The product's wait for what a message follows, ms, of peers and of clients; a tick may be late by a little. */
const TICK_MS = 1
const CAUSAL_MS = { peer: 5_000 - TICK_MS, client: 2_000 - TICK_MS }

type Send = Extract<RelayEffect, { type: 'send' }>

/** The invariants that hold at every moment of every run. */
export class Checks {
  readonly #messages: Messages
  readonly #now: () => number
  readonly #found = new Map<string, Violation>()
  readonly #heads = new Map<Origin, Uint8Array[]>()
  /** By server and id: messages that were logged before it although they follow it, and how long they had waited. */
  readonly #early = new Map<string, { message: Message; shortMs: number }[]>()
  /** What servers had before their disks lost something: it was confirmed rightly. */
  readonly #had = new Map<number, VersionVector>()

  constructor(messages: Messages, now: () => number) {
    this.#messages = messages
    this.#now = now
  }

  get violations(): Violation[] {
    return [...this.#found.values()]
  }

  violate(invariant: string, detail: string): void {
    const found = this.#found.get(invariant)
    if (found) found.times++
    else this.#found.set(invariant, { invariant, atMs: Math.round(this.#now() * 1_000) / 1_000, detail, times: 1 })
  }

  /** What a server sends in one step. */
  sends(server: Checked, sends: readonly Send[]): void {
    const served = new Map<string, Set<number>>()
    for (const { peer, frame } of sends) {
      if (frame.type === 'MSG') this.#cover(server, { peer, frame, served })
      else if (frame.type === 'HAVE' || frame.type === 'VV') this.#vector(server, frame)
      else if (frame.type === 'HEAD') this.#head(server, frame)
    }
  }

  #cover(server: Checked, sent: { peer: number; frame: Extract<CoreFrame, { type: 'MSG' }>; served: Map<string, Set<number>> }): void {
    const { peer, frame, served } = sent
    const key = coordinateKey(frame.entry.coordinate)
    const others = served.get(key) ?? new Set()
    served.set(key, others)
    for (const id of [peer, ...frame.cover]) {
      if (others.has(id) || id === server.id)
        this.violate('sibling covers disjoint', `server ${server.id} has ${id} served twice with ${key}, the second time by ${peer}`)
      others.add(id)
    }
  }

  #vector(server: Checked, { type, vector }: Extract<CoreFrame, { type: 'HAVE' | 'VV' }>): void {
    for (const [name, [upTo = 0, ...beyond]] of Object.entries(vector)) {
      const origin = name as Origin
      const wrong = server.store.vector.watermark(origin) < upTo ? upTo : beyond.find((n) => !server.store.vector.has(origin, n))
      if (wrong !== undefined)
        this.violate('vectors ⊆ stored', `server ${server.id} says in ${type} that it has ${origin} up to or at ${wrong}`)
    }
  }

  #head(server: Checked, { server: origin, incarnation, n, head }: SignedHead): void {
    const name: Origin = `${origin}-${incarnation}`
    const chain = this.#heads.get(name) ?? [new Uint8Array(32)]
    this.#heads.set(name, chain)
    for (let at = chain.length; at <= n; at++) {
      const id = this.#messages.at({ server: origin, incarnation, n: at })?.message.id
      const last = chain[at - 1]
      if (id === undefined || !last)
        return this.violate('heads never fork', `server ${server.id} tells a head of ${name} at ${n}, where nothing is`)
      chain.push(createHash('sha256').update(last).update(Buffer.from(id, 'base64url')).digest())
    }
    if (Buffer.compare(chain[n] ?? new Uint8Array(), head) !== 0)
      this.violate('heads never fork', `server ${server.id} tells another head of ${name} at ${n} than its messages have`)
  }

  /** An entry is about to be stored. */
  storing(server: Checked, { entry }: Extract<RelayEffect, { type: 'store' }>): void {
    if (entry.kind === 'gone' || entry.kind === 'reference') return
    const key = coordinateKey(entry.coordinate)
    if (this.#messages.at(entry.coordinate)?.entry.canonical !== entry.canonical)
      this.violate('one id per coordinate', `server ${server.id} stores another message at ${key} than its origin`)
    if (entry.expiresAt < server.unixMs)
      this.violate(
        'no message after its expiry',
        `server ${server.id} stores ${key} ${Math.round(server.unixMs - entry.expiresAt)} ms late`,
      )
  }

  /** A message is durable and can be read. @param waited since it could have been logged */
  logged(server: Checked, message: Message, waited: { ms: number; for: 'peer' | 'client' }): void {
    const shortMs = CAUSAL_MS[waited.for] - waited.ms
    const missing = server.store.unknown(message.prev)
    // What has to go before a message whose time is over does not wait for its own.
    const pushed = missing.length > 0 && shortMs > 0 && this.#isFollowed(server, message)
    for (const id of pushed ? [] : missing) {
      const key = `${server.id} ${id}`
      this.#early.set(key, [...(this.#early.get(key) ?? []), { message, shortMs }])
    }
    const late = this.#early.get(`${server.id} ${message.id}`)
    if (!late) return
    this.#early.delete(`${server.id} ${message.id}`)
    for (const { message: follower, shortMs: early } of late)
      if (early > 0 && server.store.ids.has(follower.id))
        this.violate(
          'causal delivery',
          `server ${server.id} logs ${nameOf(follower)} before ${nameOf(message)}, ${Math.round(early)} ms too early`,
        )
  }

  /** Whether one that was held long enough follows a message, directly or over others that are held. */
  #isFollowed(server: Checked, { id }: Message): boolean {
    const overdue = new Set(server.heldFor(CAUSAL_MS))
    for (const { prev } of overdue) {
      if (prev.includes(id)) return true
      for (const cause of server.store.unknown(prev)) {
        const held = this.#messages.ofId(cause)
        if (held) overdue.add(held)
      }
    }
    return false
  }

  /** A server says how far its own messages are stored elsewhere. */
  confirmed(server: Checked, effect: Extract<RelayEffect, { type: 'confirmed' }>, all: readonly Checked[]): void {
    const origin: Origin = `${server.id}-${effect.incarnation}`
    const stored = all.map((each) => this.#everHad(origin, each)).sort((a, b) => b - a)
    effect.upTo.forEach((upTo, i) => {
      if (upTo > (stored[i] ?? 0))
        this.violate('confirmed ⊆ stored', `server ${server.id} says that ${i + 1} servers have ${origin} up to ${upTo}`)
    })
  }

  /** A disk is about to lose something. What is durable now was; what is logged again is logged in a new order. */
  losing({ id, store }: Checked): void {
    for (const key of this.#early.keys()) if (key.startsWith(`${id} `)) this.#early.delete(key)
    const had = this.#had.get(id) ?? new VersionVector()
    this.#had.set(id, had)
    had.merge(store.vector)
  }

  #everHad(origin: Origin, { id, store }: Checked): number {
    const had = this.#had.get(id)?.clone()
    had?.merge(store.vector)
    return (had ?? store.vector).watermark(origin)
  }

  /** At the end: servers that live have all that any server's store has. */
  converged(living: readonly Checked[], survivors: readonly Checked[], expiredBefore: number): void {
    for (const { id, expiresAt, accepted } of this.#messages.all) {
      if (expiresAt < expiredBefore || accepted.length === 0) continue
      if (!survivors.some(({ store }) => store.ids.has(id))) continue
      const lacking = living.filter(({ store }) => !store.ids.has(id))
      const first = accepted[0]
      if (lacking.length > 0 && first)
        this.violate(
          'everything on a surviving store reaches every living server',
          `${coordinateKey(first.entry.coordinate)} is not on ${lacking.map((each) => each.id).join(', ')}`,
        )
    }
    this.#sameVectors(living, survivors)
  }

  #sameVectors(living: readonly Checked[], survivors: readonly Checked[]): void {
    for (const origin of new Set(survivors.flatMap(({ store }) => store.vector.origins))) {
      const most = Math.max(...survivors.map(({ store }) => store.vector.watermark(origin)))
      const behind = living.filter(({ store }) => store.vector.watermark(origin) < most)
      if (behind.length > 0)
        this.violate(
          'living servers have the same vectors',
          `${origin} ends at ${most}, on ${behind.map(({ id, store }) => `${id} at ${store.vector.watermark(origin)}`).join(', ')}`,
        )
    }
  }
}

function nameOf({ accepted: [first], id }: Message): string {
  return first ? coordinateKey(first.entry.coordinate) : id
}
