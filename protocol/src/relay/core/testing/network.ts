import { encodeBase64url, sha256, utf8 } from '../../../encoding.ts'
import { originOf, VersionVector } from '../../../version-vector.ts'
import { epochOf } from '../../epoch.ts'
import { createRelay, type Relay } from '../relay.ts'
import { step } from '../step.ts'
import type { BodyEntry, CoreFrame, Member, RelayEffect, RelayEvent, RelayOptions, WireEntry } from '../types.ts'

export interface Delivery {
  from: number
  to: number
  frame: CoreFrame
}

/** Unix ms at which every test begins. */
export const START = 1_800_000_000_000

/** A server of a test: its relay and what its store holds. */
export interface TestServer {
  relay: Relay
  incarnation: number
  stored: Map<string, WireEntry>
  /** Ids in the order in which the store was told of them. */
  log: string[]
  effects: RelayEffect[]
  wakeMs: number
  appended: number
}

interface Due {
  atMs: number
  order: number
  run: () => void
}

export interface NetworkOptions extends Partial<RelayOptions> {
  latencyMs?: (from: number, to: number) => number
}

/**
 * Relays that talk over links of a fixed latency, with stores that are durable after a millisecond. Deterministic; a test decides
 * which frames get lost.
 */
export class TestNetwork {
  nowMs = 0
  readonly servers = new Map<number, TestServer>()
  readonly sent: Delivery[] = []
  /** Whether a frame is lost. */
  loses: (delivery: Delivery) => boolean = () => false
  readonly latencyMs: (from: number, to: number) => number
  readonly #due: Due[] = []
  #order = 0

  /** Servers 1 to `count`, all of them members. */
  constructor(count: number, { latencyMs = () => 20, ...options }: NetworkOptions = {}) {
    this.latencyMs = latencyMs
    for (let id = 1; id <= count; id++) this.add(id, options)
    this.setMembers([...this.servers.keys()].map((id) => ({ id, leaving: false })))
  }

  add(id: number, options: Partial<RelayOptions> = {}): TestServer {
    const incarnation = START + id
    const relay = createRelay({ self: id, incarnation, ...options })
    const server = { relay, incarnation, stored: new Map(), log: [], effects: [], wakeMs: Number.POSITIVE_INFINITY, appended: 0 }
    this.servers.set(id, server)
    this.tell(id, { type: 'recovered', vector: new VersionVector(), floors: {}, incarnation })
    return server
  }

  server(id: number): TestServer {
    const server = this.servers.get(id)
    if (!server) throw new Error(`There is no server ${id}`)
    return server
  }

  setMembers(members: readonly Member[]): void {
    const epoch = epochOf(members.flatMap(({ id, leaving }) => (leaving ? [] : [id])))
    for (const id of this.servers.keys()) this.tell(id, { type: 'members', members, epoch })
  }

  link(a: number, b: number): void {
    this.tell(a, { type: 'link-up', peer: b })
    this.tell(b, { type: 'link-up', peer: a })
  }

  unlink(a: number, b: number): void {
    this.tell(a, { type: 'link-down', peer: b })
    this.tell(b, { type: 'link-down', peer: a })
  }

  /** Links all, and lets them measure each other and catch up. */
  linkAll(): this {
    const ids = [...this.servers.keys()]
    for (const a of ids) for (const b of ids) if (a < b) this.link(a, b)
    this.run(5_000)
    this.sent.length = 0
    return this
  }

  /** A client's message, durable at a server. @returns its coordinate and id */
  publish(at: number, options: { bytes?: number; lifetimeMs?: number } = {}): { entry: BodyEntry; id: string } {
    const server = this.server(at)
    const coordinate = { server: at, incarnation: server.incarnation, n: ++server.appended }
    const made = message(coordinate, { sentAt: START + this.nowMs, clock: server.relay.clock.tick(START + this.nowMs), ...options })
    server.stored.set(key(made.entry), made.entry)
    server.log.push(made.id)
    this.tell(at, { type: 'appended', ...made })
    return made
  }

  tell(id: number, event: RelayEvent): void {
    const server = this.server(id)
    for (const effect of step(server.relay, event, { monotonicMs: this.nowMs, unixMs: START + this.nowMs })) this.#do(id, effect)
  }

  /** A frame that a test makes up, as a server gets it from a peer. */
  hear(id: number, peer: number, frame: CoreFrame): void {
    this.tell(id, { type: 'frame', peer, frame })
  }

  /** Lets time pass. */
  run(forMs: number): void {
    const end = this.nowMs + forMs
    for (let due = this.#next(end); due; due = this.#next(end)) {
      this.nowMs = Math.max(this.nowMs, due.atMs)
      due.run()
    }
    this.nowMs = end
  }

  /** Frames of a type that were sent since the network was linked. */
  frames<T extends CoreFrame['type']>(type: T): (Delivery & { frame: Extract<CoreFrame, { type: T }> })[] {
    return this.sent.filter((one): one is Delivery & { frame: Extract<CoreFrame, { type: T }> } => one.frame.type === type)
  }

  #next(end: number): Due | undefined {
    this.#due.sort((a, b) => a.atMs - b.atMs || a.order - b.order)
    return (this.#due[0]?.atMs ?? Number.POSITIVE_INFINITY) <= end ? this.#due.shift() : undefined
  }

  #after(ms: number, run: () => void): void {
    this.#due.push({ atMs: this.nowMs + ms, order: this.#order++, run })
  }

  #do(id: number, effect: RelayEffect): void {
    const server = this.server(id)
    server.effects.push(effect)
    switch (effect.type) {
      case 'send': {
        const delivery = { from: id, to: effect.peer, frame: structuredClone(effect.frame) }
        this.sent.push(delivery)
        if (this.loses(delivery)) return
        this.#after(this.latencyMs(id, effect.peer), () => this.hear(effect.peer, id, delivery.frame))
        return
      }
      case 'verify': {
        const { coordinate, canonical, expiresAt } = effect.entry
        const { prev } = JSON.parse(canonical) as { prev: string[] }
        const missing = prev.filter((one) => !server.log.includes(one))
        this.#after(0, () => this.tell(id, { type: 'verified', coordinate, id: idOf(effect.entry), missing, expiresAt }))
        return
      }
      case 'store':
        this.#after(1, () => this.#store(id, effect.entry))
        return
      case 'read': {
        const { ticket, from, to, limit } = effect
        const entries = [...server.stored.values()].filter(
          ({ coordinate }) => originOf(coordinate) === originOf(effect) && coordinate.n >= from && coordinate.n <= to,
        )
        entries.sort((a, b) => a.coordinate.n - b.coordinate.n)
        this.#after(1, () => this.tell(id, { type: 'read', ticket, entries: entries.slice(0, limit) }))
        return
      }
      case 'sign':
        this.#after(0, () => this.tell(id, { type: 'signed', statement: effect.statement, signature: new Uint8Array(64) }))
        return
      case 'check':
        this.#after(0, () => this.tell(id, { ...effect, type: 'checked', valid: true }))
        return
      case 'wake':
        server.wakeMs = effect.atMs
        this.#after(Math.max(0, effect.atMs - this.nowMs), () => {
          if (server.wakeMs === effect.atMs) this.tell(id, { type: 'tick' })
        })
        return
      case 'admit':
      case 'close':
      case 'confirmed':
      case 'fork':
      case 'outgrow':
      case 'ready':
      case 'receipt':
      case 'returned':
        return
    }
  }

  #store(id: number, entry: WireEntry): void {
    const server = this.server(id)
    const known = server.stored.has(key(entry))
    if (!known) {
      server.stored.set(key(entry), entry)
      if ('canonical' in entry) server.log.push(idOf(entry))
    }
    this.tell(id, { type: 'stored', coordinate: entry.coordinate, result: known ? 'known' : 'stored' })
  }
}

function key({ coordinate }: WireEntry): string {
  return `${originOf(coordinate)}-${coordinate.n}`
}

function idOf({ canonical }: BodyEntry): string {
  return encodeBase64url(sha256(utf8(canonical)))
}

export function effectsOf<T extends RelayEffect['type']>(server: TestServer, type: T): Extract<RelayEffect, { type: T }>[] {
  return server.effects.filter((effect): effect is Extract<RelayEffect, { type: T }> => effect.type === type)
}

/** An entry that nobody signed: the core leaves signatures to others. */
export function message(
  coordinate: BodyEntry['coordinate'],
  {
    sentAt,
    clock,
    lifetimeMs = 3_600_000,
    prev = [],
    bytes = 100,
  }: { sentAt: number; clock: number; lifetimeMs?: number; prev?: string[]; bytes?: number },
): { entry: BodyEntry; id: string } {
  const canonical = JSON.stringify({ coordinate, prev, fill: 'x'.repeat(bytes) })
  const entry: BodyEntry = { kind: 'message', coordinate, canonical, sig: 'A'.repeat(86), expiresAt: sentAt + lifetimeMs, clock }
  return { entry, id: idOf(entry) }
}
