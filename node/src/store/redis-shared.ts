import { randomBytes } from 'node:crypto'
import type { Bus } from '../processes/bus.ts'
import type { Attendance, Bid, SharedStore } from '../processes/port.ts'
import { Listeners } from '../listeners.ts'
import type { Position } from './port.ts'
import type { RedisConnectionOptions, ScriptedRedis } from './redis-connection.ts'
import type { Keys } from './redis-records.ts'
import { RedisSubscriber } from './redis-subscriber.ts'

export interface RedisSharedHost {
  run<T>(command: (redis: ScriptedRedis) => Promise<T>): Promise<T>
  /** Another process has logged this: a position alone, or with the entry. */
  logged(payload: Buffer): void
  /** Others may have logged up to here. */
  heard(position: Position): void
  /** Whether scripts tell other processes what they log; else {@link RedisShared.logged} does. */
  tellsInScript: boolean
}

/** What the processes of a server know of each other, by way of their Redis. */
export class RedisShared implements SharedStore {
  readonly process = randomBytes(9).toString('base64url')
  readonly bus: Bus
  /** Names the store: another database of the same Redis has the same channels. */
  instance = ''
  readonly #keys: Keys
  readonly #host: RedisSharedHost
  readonly #begun = new Listeners<[incarnation: number]>()
  readonly #vacant = new Listeners<[]>()
  readonly #returned = new Listeners<[]>()
  readonly #topics = new Map<string, Listeners<[text: string]>>()
  #subscriber: RedisSubscriber | undefined
  #incarnation = 0
  #processes = 1

  constructor(keys: Keys, host: RedisSharedHost) {
    this.#keys = keys
    this.#host = host
    this.bus = {
      publish: (topic, text) => this.#publish(topic, text),
      subscribe: (topic, listener) => this.#topic(topic).add(listener),
      onReturn: (listener) => this.#returned.add(listener),
    }
  }

  /** This process, among those of all stores of its Redis. */
  get self(): string {
    return `${this.instance}:${this.process}`
  }

  get incarnation(): number {
    return this.#incarnation
  }

  /** Whether what other processes log comes here by itself. */
  get isTold(): boolean {
    return this.#host.tellsInScript && this.#processes > 1
  }

  /** This process has logged all up to here. */
  logged(position: Position): void {
    if (this.#host.tellsInScript || this.#processes === 1) return
    this.#host.run((redis) => redis.spublish(this.#feed, `${position}`)).catch(() => undefined)
  }

  /** Starts to listen to the others. If that is not possible now, it goes on trying. */
  async listen(options: RedisConnectionOptions): Promise<void> {
    this.#subscriber = new RedisSubscriber(options, () => [this.#feed, this.#ownFeed, this.#bus], {
      message: (channel, payload) => (channel === this.#bus ? this.#dispatch(payload.toString()) : this.#tell(payload)),
      subscribed: () => {
        this.#returned.emit()
        void this.#catchUp()
      },
    })
    await this.#subscriber.attempted
  }

  /** The Redis that takes writes may be another one. */
  listenAnew(): void {
    this.#subscriber?.reconnect()
  }

  close(): void {
    this.#subscriber?.close()
  }

  /** A later incarnation has begun. */
  learn(incarnation: number): void {
    if (incarnation <= this.#incarnation) return
    this.#incarnation = incarnation
    this.#begun.emit(incarnation)
  }

  onIncarnation(listener: (incarnation: number) => void): () => void {
    return this.#begun.add(listener)
  }

  begin(incarnation: number): void {
    // Out of reach: an append brings it, or whoever resumes first has begun another.
    this.#host.run(async (redis) => this.learn(Number(await redis.dredBegin(this.#keys.prefix, `${incarnation}`)))).catch(() => undefined)
  }

  async attend({ leaseMs, term, knownTerm, address }: Bid): Promise<Attendance> {
    const bid = [this.process, `${leaseMs}`, `${term}`, `${knownTerm}`, address ?? '', this.#host.tellsInScript ? '1' : '']
    const reply = await this.#host.run((redis) => redis.dredAttend(this.#keys.prefix, ...bid))
    const [leader, itsTerm, where, processes, last, incarnation] = reply as [string, string, string, number, string, string]
    this.#processes = processes
    this.learn(Number(incarnation))
    this.#host.heard(Number(last))
    return { leader, term: Number(itsTerm), address: where === '' ? undefined : where, processes }
  }

  onVacant(listener: () => void): () => void {
    return this.#vacant.add(listener)
  }

  async leave(term: number): Promise<void> {
    await this.#host.run((redis) => redis.dredLeave(this.#keys.prefix, this.process, `${term}`))
  }

  async secret(): Promise<string> {
    const { secret } = this.#keys
    return this.#host.run(async (redis) => {
      await redis.set(secret, randomBytes(32).toString('base64url'), 'NX')
      return (await redis.get(secret)) ?? ''
    })
  }

  get #feed(): string {
    return `${this.#keys.prefix}feed:${this.instance}`
  }

  /** What the others log. */
  get #ownFeed(): string {
    return `${this.#keys.prefix}feed:${this.self}`
  }

  get #bus(): string {
    return `${this.#keys.prefix}bus:${this.instance}`
  }

  #publish(topic: string, text: string): void {
    const payload = `${this.process}\n${topic}\n${text}`
    this.#host.run((redis) => redis.spublish(this.#bus, payload)).catch(() => undefined)
  }

  #topic(topic: string): Listeners<[text: string]> {
    const listeners = this.#topics.get(topic) ?? new Listeners<[text: string]>()
    this.#topics.set(topic, listeners)
    return listeners
  }

  #dispatch(payload: string): void {
    const [process = '', topic = ''] = payload.split('\n', 2)
    if (process !== this.process) this.#topics.get(topic)?.emit(payload.slice(process.length + topic.length + 2))
  }

  #tell(payload: Buffer): void {
    if (payload[0] === INCARNATION) this.learn(Number(payload.subarray(2).toString()))
    else if (payload[0] === VACANT) this.#vacant.emit()
    else this.#host.logged(payload)
  }

  async #catchUp(): Promise<void> {
    const last = await this.#host.run((redis) => redis.hget(this.#keys.state, 'seq')).catch(() => null)
    this.#host.heard(Number(last ?? 0))
  }
}

/** First bytes of what scripts tell, see `lua/common.lua`. */
const INCARNATION = 'i'.charCodeAt(0)
const VACANT = 'l'.charCodeAt(0)
