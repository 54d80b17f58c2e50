import { type Coordinate, parseOrigin } from '@dred/protocol'
import type { BodyEntry, CoreFrame, Instant, Member, RelayEffect, RelayEvent } from '@dred/protocol/relay'
import { epochOf } from '@dred/protocol/relay'
import type { Uplink } from './lanes.ts'
import type { Machine } from './machine.ts'
import { coordinateKey, type Message } from './messages.ts'
import type { Endpoint } from './network.ts'
import { sign, valid } from './signatures.ts'
import { SimulatedStore } from './store.ts'
import type { World } from './world.ts'

/** How long things take, ms. */
const VERIFY_MS = { min: 0.15, max: 0.4 }
const SIGN_MS = 0.2
const READ_MS = { min: 0.3, max: 1 }
const WRITE_MS = { min: 1, max: 3 }
const BOOT_MS = { min: 50, max: 300 }
const PURGE_MS = 1_000
/** By how much a timer is late. */
const TIMER_MS = 0.01
/** Ticks in ten milliseconds, after which a machine is taken to run in circles. */
const SPINNING = 500

type Send = Extract<RelayEffect, { type: 'send' }>

/** A server: the machine under test, a store, a clock that is a little wrong, and what does the machine's effects. */
export class SimulatedServer implements Endpoint {
  readonly id: number
  readonly store: SimulatedStore
  readonly uplink: Uplink
  running = false
  life = 0
  /** Of the wall clock. */
  skewMs: number
  slowness = { factor: 1, mbitPerSecond: Number.POSITIVE_INFINITY }
  /** It takes messages and passes none on. */
  dropsRelay = false
  /** The registry's servers as this one knows them. */
  members: readonly Member[] = []
  machine: Machine | undefined
  /** Of the message that was logged last. */
  lastId: string | undefined
  readonly #world: World
  #incarnation = 0
  #bootMs = 0
  #off = false
  #paused = false
  #stepping = false
  readonly #events: RelayEvent[] = []
  #wake = 0
  #spins = { atMs: 0, count: 0 }
  #tickets = 0
  readonly #submitted = new Map<number, { message: Message; accepted: () => void }>()
  /** Messages that are not stored yet, by coordinate or, if clients handed them over, by id; and since when they could have been, simulated ms. */
  readonly #waiting = new Map<string, { message: Message; sinceMs: number }>()

  constructor(id: number, world: World, skewMs: number) {
    this.id = id
    this.#world = world
    this.skewMs = skewMs
    this.uplink = { mbitPerSecond: world.scenario.mbitPerSecond, freeMs: Number.NEGATIVE_INFINITY }
    const random = world.random('store')
    this.store = new SimulatedStore({
      get nowMs() {
        return world.nowMs
      },
      writeMs: () => random.between(WRITE_MS.min, WRITE_MS.max),
      after: (ms, run) => world.after(ms, run),
      survives: () => random.chance(0.5),
      logged: (entry, id) => this.#logged(entry, id),
    })
  }

  /** Messages that are held here for at least so long, of peers and of clients. */
  heldFor(ms: { peer: number; client: number }): Message[] {
    return [...this.#waiting].flatMap(([key, { message, sinceMs }]) => {
      const leastMs = key === message.id ? ms.client : ms.peer
      return this.#world.nowMs - sinceMs >= leastMs ? [message] : []
    })
  }

  get unixMs(): number {
    return Math.floor(this.#world.unixMs + this.skewMs)
  }

  get leaving(): boolean {
    return this.members.some(({ id, leaving }) => id === this.id && leaving)
  }

  /** Nobody answers for it: its machine is off, or the process stands still. */
  get silent(): boolean {
    return this.#off || this.#paused
  }

  get serving(): boolean {
    return this.running && this.store.up && !this.#paused
  }

  get paused(): boolean {
    return this.#paused
  }

  /** The process stands still, or goes on with all that has come meanwhile. */
  set paused(paused: boolean) {
    this.#paused = paused
    if (!paused) this.#work()
  }

  boot(): void {
    const life = ++this.life
    const random = this.#world.random('boot')
    this.#world.after(random.between(BOOT_MS.min, BOOT_MS.max), () => {
      if (this.life !== life || this.running) return
      this.running = true
      this.#off = false
      this.store.up = true
      this.#bootMs = this.#world.nowMs - random.between(0, 1_000)
      this.#renew(0)
      this.machine = this.#world.protocol({ self: this.id, incarnation: this.#incarnation, random: this.#world.random('machine') })
      this.#recover()
      this.#purgeLater(life)
      this.setMembers(this.members)
      this.#world.network.dialAll(this.id)
    })
  }

  /** @param silent without the machine telling its peers */
  crash(silent: boolean): void {
    this.#off = silent
    this.#paused = false
    this.life++
    if (!this.running) return
    this.running = false
    this.store.crash()
    this.machine = undefined
    this.#events.length = 0
    this.#submitted.clear()
    this.#waiting.clear()
    this.#world.network.end(this.id)
  }

  loseStore(): void {
    if (!this.running || !this.store.up) return
    this.store.fail()
    this.#submitted.clear()
    this.#hand({ type: 'store-lost' })
  }

  /** The store is back: what it had counted may be lost, so another incarnation begins. */
  regainStore(): void {
    if (!this.running || this.store.up) return
    this.store.up = true
    this.#renew(0)
    this.#recover()
  }

  setMembers(members: readonly Member[]): void {
    this.members = members
    if (!this.running || members.length === 0) return
    const ids = members.filter(({ leaving }) => !leaving).map(({ id }) => id)
    const epoch = epochOf(ids)
    this.#world.named(epoch, ids)
    this.#hand({ type: 'members', members, epoch })
    this.#world.network.dialAll(this.id)
  }

  knows(id: number): boolean {
    return this.members.some((member) => member.id === id)
  }

  linkUp(peer: number): void {
    this.#hand({ type: 'link-up', peer })
  }

  linkDown(peer: number): void {
    this.#hand({ type: 'link-down', peer })
  }

  queueChanged(peer: number, bytes: number, ageMs: number): void {
    this.#hand({ type: 'link-queue', peer, bytes, ageMs })
  }

  /** @returns whether the server took it; `accepted` is called once it is durable */
  submit(message: Message, accepted: () => void): boolean {
    if (!this.serving) return false
    const ticket = ++this.#tickets
    this.#submitted.set(ticket, { message, accepted })
    this.#waiting.set(message.id, { message, sinceMs: this.#world.nowMs })
    this.#hand({ type: 'submitted', ticket, missing: this.store.unknown(message.prev) })
    return true
  }

  receive(peer: number, frame: CoreFrame): void {
    this.#hand({ type: 'frame', peer, frame: this.dropsRelay && frame.type === 'MSG' ? { ...frame, cover: [] } : frame })
  }

  get #now(): Instant {
    return { monotonicMs: this.#world.nowMs - this.#bootMs, unixMs: this.unixMs }
  }

  #renew(other: number): void {
    const own = this.store.vector.origins.map(parseOrigin).filter(({ server }) => server === this.id)
    this.#incarnation = Math.max(this.unixMs, other + 1, this.#incarnation + 1, ...own.map(({ incarnation }) => incarnation + 1))
  }

  #recover(): void {
    this.#hand({ type: 'recovered', vector: this.store.vector.clone(), floors: this.store.floors, incarnation: this.#incarnation })
  }

  #purgeLater(life: number): void {
    this.#world.after(PURGE_MS, () => {
      if (this.life !== life) return
      if (this.serving && this.store.purge(this.unixMs)) this.#hand({ type: 'purged', floors: this.store.floors })
      this.#purgeLater(life)
    })
  }

  /** Hands over an event, after the effects of the one before have been done. */
  #hand(event: RelayEvent): void {
    if (!this.running) return
    this.#events.push(event)
    this.#work()
  }

  #work(): void {
    if (this.#stepping || this.#paused) return
    this.#stepping = true
    for (let next = this.#events.shift(); next && this.machine; next = this.#events.shift()) {
      const effects = this.machine.step(next, this.#now)
      const sends = effects.filter((effect): effect is Send => effect.type === 'send')
      this.#world.checks.sends(this, sends)
      for (const effect of effects) {
        if (effect.type === 'send') this.#world.send(this, effect)
        else this.#perform(effect)
      }
    }
    this.#stepping = false
  }

  /** Hands over an event later, unless the server has ended by then. */
  #later(ms: number, event: () => RelayEvent): void {
    const { life } = this
    this.#world.after(ms, () => this.life === life && this.#hand(event()))
  }

  #perform(effect: Exclude<RelayEffect, Send>): void {
    const { checks, measures } = this.#world
    switch (effect.type) {
      case 'verify':
        return this.#verify(effect.entry)
      case 'store':
        return this.#storeEntry(effect)
      case 'read': {
        const { ticket, limit, type: _, ...range } = effect
        const random = this.#world.random('store')
        return this.#later(random.between(READ_MS.min, READ_MS.max), () => ({
          type: 'read',
          ticket,
          entries: this.store.up ? this.store.read(range, limit) : [],
        }))
      }
      case 'sign':
        return this.#later(SIGN_MS, () => ({ type: 'signed', statement: effect.statement, signature: sign(effect.statement) }))
      case 'check': {
        const { peer, statement, signature } = effect
        return this.#later(SIGN_MS, () => ({ type: 'checked', peer, statement, signature, valid: valid(statement, signature) }))
      }
      case 'admit':
        return this.#append(effect.ticket)
      case 'confirmed':
        return checks.confirmed(this, effect, [...this.#world.servers.values()])
      case 'outgrow':
        this.#renew(effect.incarnation)
        return this.store.settled(() => this.#recover())
      case 'close':
        return this.#world.network.close(this.id, effect.peer)
      case 'fork':
        return checks.violate('heads never fork', `server ${this.id} has evidence against ${effect.first.server}`)
      case 'returned':
        measures.returned++
        return undefined
      case 'receipt':
        measures.receipts++
        return undefined
      case 'ready':
        return undefined
      case 'wake':
        return this.#wakeAt(effect.atMs)
    }
  }

  #verify(entry: BodyEntry): void {
    const message = this.#world.messages.ofText(entry.canonical)
    const { coordinate } = entry
    this.#later(this.#world.random('verify').between(VERIFY_MS.min, VERIFY_MS.max), () => {
      if (!message) return { type: 'rejected', coordinate, detail: 'nobody has signed it' }
      if (!this.store.up) return { type: 'unverified', coordinate }
      const key = coordinateKey(coordinate)
      if (!this.#waiting.has(key)) this.#waiting.set(key, { message, sinceMs: this.#world.nowMs })
      const { id, prev, expiresAt } = message
      return { type: 'verified', coordinate, id, missing: this.store.unknown(prev), expiresAt }
    })
  }

  #storeEntry(effect: Extract<RelayEffect, { type: 'store' }>): void {
    const { entry } = effect
    this.#world.checks.storing(this, effect)
    const id = 'canonical' in entry ? this.#world.messages.ofText(entry.canonical)?.id : undefined
    const { life } = this
    this.store.replicate(entry, id, (result) => {
      if (this.life === life) this.#hand({ type: 'stored', coordinate: entry.coordinate, result })
    })
  }

  #append(ticket: number): void {
    const submitted = this.#submitted.get(ticket)
    if (!submitted || !this.machine) return
    const { message, accepted } = submitted
    this.#submitted.delete(ticket)
    const clock = this.machine.tick(this.unixMs)
    const { id, canonical, expiresAt } = message
    const of = (coordinate: Coordinate): BodyEntry => ({ kind: 'message', coordinate, canonical, sig: 'A'.repeat(86), expiresAt, clock })
    const { life } = this
    const self = { server: this.id, incarnation: this.#incarnation }
    this.store.append({ id, of }, self, (entry) => {
      if (this.life !== life) return
      accepted()
      if (entry) this.#hand({ type: 'appended', entry, id })
    })
  }

  #logged(entry: BodyEntry, id: string): void {
    const { messages, checks, nowMs } = this.#world
    const message = messages.ofId(id)
    if (!message) return
    const own = entry.coordinate.server === this.id && !messages.at(entry.coordinate)
    const other = own ? undefined : messages.at(entry.coordinate)
    if (other && other.message !== message)
      checks.violate('one id per coordinate', `server ${this.id} logs two messages at ${coordinateKey(entry.coordinate)}`)
    if (own) this.#world.accepted(messages.accept(message, entry, nowMs))
    const key = own ? id : coordinateKey(entry.coordinate)
    const waited = { ms: nowMs - (this.#waiting.get(key)?.sinceMs ?? nowMs), for: own ? 'client' : 'peer' } as const
    this.#waiting.delete(key)
    this.lastId = id
    if (this.store.ids.get(id) === nowMs) checks.logged(this, message, waited)
  }

  #wakeAt(atMs: number): void {
    const wake = ++this.#wake
    const { nowMs } = this.#world
    const delayMs = Math.max(0, atMs - this.#now.monotonicMs)
    if (nowMs - this.#spins.atMs > 10) this.#spins = { atMs: nowMs, count: 0 }
    if (delayMs === 0 && ++this.#spins.count > SPINNING) {
      this.#world.checks.violate('time passes', `server ${this.id} asks for one tick after the other`)
      return
    }
    const { life } = this
    // A timer is never early.
    this.#world.after(delayMs + TIMER_MS, () => {
      if (this.life === life && this.#wake === wake) this.#hand({ type: 'tick' })
    })
  }
}
