import { type Coordinate, parseOrigin } from '@dred/protocol'
import { type BodyEntry, type CoreFrame, epochOf, type Instant, type Member, type RelayEffect, type RelayEvent } from '@dred/protocol/relay'
import { Alarm } from './alarm.ts'
import { Held } from './held.ts'
import { Inbox } from './inbox.ts'
import type { Uplink } from './lanes.ts'
import type { Machine } from './machine.ts'
import { coordinateKey, type Message } from './messages.ts'
import type { Endpoint } from './network.ts'
import { answerOf } from './signatures.ts'
import { SimulatedStore } from './store.ts'
import type { World } from './world.ts'

/** How long things take, ms. */
const VERIFY_MS = { min: 0.15, max: 0.4 }
const SIGN_MS = 0.2
const READ_MS = { min: 0.3, max: 1 }
const WRITE_MS = { min: 1, max: 3 }
const BOOT_MS = { min: 50, max: 300 }
const PURGE_MS = 1_000
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
  readonly #inbox = new Inbox((event) => this.#step(event))
  readonly #held: Held
  readonly #alarm: Alarm

  constructor(id: number, world: World, skewMs: number) {
    this.id = id
    this.#world = world
    this.#held = new Held(() => world.nowMs)
    this.#alarm = new Alarm(world, id)
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
    return this.#held.longerThan(ms)
  }

  get unixMs(): number {
    return Math.floor(this.#world.unixMs + this.skewMs)
  }

  get leaving(): boolean {
    return this.members.some(({ id, leaving }) => id === this.id && leaving)
  }

  /** Nobody answers for it: its machine is off, or the process stands still. */
  get silent(): boolean {
    return this.#off || this.#inbox.paused
  }

  get serving(): boolean {
    return this.running && this.store.up && !this.#inbox.paused
  }

  get paused(): boolean {
    return this.#inbox.paused
  }

  /** The process stands still, or goes on with all that has come meanwhile. */
  set paused(paused: boolean) {
    this.#inbox.paused = paused
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
    this.#inbox.clear()
    this.life++
    if (!this.running) return
    this.running = false
    this.store.crash()
    this.machine = undefined
    this.#held.clear()
    this.#alarm.clear()
    this.#world.network.end(this.id)
  }

  loseStore(): void {
    if (!this.running || !this.store.up) return
    this.store.fail()
    this.#held.forgetClients()
    this.notice({ type: 'store-lost' })
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
    this.notice({ type: 'members', members, epoch })
    this.#world.network.dialAll(this.id)
  }

  knows(id: number): boolean {
    return this.members.some((member) => member.id === id)
  }

  notice(event: RelayEvent): void {
    if (this.running) this.#inbox.add(event)
  }

  /** @returns whether the server took it; `accepted` is called once it is durable */
  submit(message: Message, accepted: () => void): boolean {
    if (!this.serving) return false
    const ticket = this.#held.submit(message, accepted)
    this.notice({ type: 'submitted', ticket, missing: this.store.unknown(message.prev) })
    return true
  }

  receive(peer: number, frame: CoreFrame): void {
    this.notice({ type: 'frame', peer, frame: this.dropsRelay && frame.type === 'MSG' ? { ...frame, cover: [] } : frame })
  }

  get #now(): Instant {
    return { monotonicMs: this.#world.nowMs - this.#bootMs, unixMs: this.unixMs }
  }

  #renew(other: number): void {
    const own = this.store.vector.origins.map(parseOrigin).filter(({ server }) => server === this.id)
    this.#incarnation = Math.max(this.unixMs, other + 1, this.#incarnation + 1, ...own.map(({ incarnation }) => incarnation + 1))
  }

  #recover(): void {
    this.notice({ type: 'recovered', vector: this.store.vector.clone(), floors: this.store.floors, incarnation: this.#incarnation })
  }

  #purgeLater(life: number): void {
    this.#world.after(PURGE_MS, () => {
      if (this.life !== life) return
      if (this.serving && this.store.purge(this.unixMs)) this.notice({ type: 'purged', floors: this.store.floors })
      this.#purgeLater(life)
    })
  }

  #step(event: RelayEvent): void {
    const effects = this.machine?.step(event, this.#now) ?? []
    const sends = effects.filter((effect): effect is Send => effect.type === 'send')
    this.#world.checks.sends(this, sends)
    for (const effect of effects) {
      if (effect.type === 'send') this.#world.send(this, effect)
      else this.#perform(effect)
    }
  }

  /** Hands over an event later, unless the server has ended by then. */
  #later(ms: number, event: () => RelayEvent): void {
    const { life } = this
    this.#world.after(ms, () => this.life === life && this.notice(event()))
  }

  #perform(effect: Exclude<RelayEffect, Send>): void {
    const { checks } = this.#world
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
      case 'check':
        return this.#later(SIGN_MS, () => answerOf(effect))
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
      case 'receipt':
      case 'ready':
        return undefined
      case 'wake':
        return this.#alarm.set(effect.atMs - this.#now.monotonicMs, () => this.notice({ type: 'tick' }))
    }
  }

  #verify(entry: BodyEntry): void {
    const message = this.#world.messages.ofText(entry.canonical)
    const { coordinate } = entry
    this.#later(this.#world.random('verify').between(VERIFY_MS.min, VERIFY_MS.max), () => {
      if (!message) return { type: 'rejected', coordinate, detail: 'nobody has signed it' }
      if (!this.store.up) return { type: 'unverified', coordinate }
      this.#held.verified(coordinate, message)
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
      if (this.life === life) this.notice({ type: 'stored', coordinate: entry.coordinate, result })
    })
  }

  #append(ticket: number): void {
    const submitted = this.#held.admit(ticket)
    if (!submitted || !this.machine) return
    const { message, accepted } = submitted
    const clock = this.machine.tick(this.unixMs)
    const { id, canonical, expiresAt } = message
    const of = (coordinate: Coordinate): BodyEntry => ({ kind: 'message', coordinate, canonical, sig: 'A'.repeat(86), expiresAt, clock })
    const { life } = this
    const self = { server: this.id, incarnation: this.#incarnation }
    this.store.append({ id, of }, self, (entry) => {
      if (this.life !== life) return
      accepted()
      if (entry) this.notice({ type: 'appended', entry, id })
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
    const waited = { ms: this.#held.logged(own ? id : entry.coordinate), for: own ? 'client' : 'peer' } as const
    this.lastId = id
    if (this.store.ids.get(id) === nowMs) checks.logged(this, message, waited)
  }
}
