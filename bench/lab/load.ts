import type { Cluster, Message, Parcel, Publisher, Subscriber } from '../systems/port.ts'
import { Ledger } from './ledger.ts'
import { MarkReader, payload } from './marks.ts'
import { cpuSeconds } from './process.ts'

export const MESSAGE_BYTES = 1_024

/** How long it may take until everybody has what was published. */
const SETTLE_MS = 10_000
/** Longest that nothing at all may happen while something is outstanding. */
const STUCK_MS = 5_000
/** Subscribers that connect at one time. */
const AT_ONCE = 50
const MOST_MESSAGES = 600_000
/** Of the ledger, all together. */
const BITS = 800_000_000

export interface Setting {
  /** Publishers with one parcel outstanding each. */
  publishers: number
  /** Channels, and the servers at which each has a subscriber. */
  channels: readonly string[]
  subscribersAt: readonly number[]
  publishAt: number
  /** Messages in one request. */
  batch: number
}

/** What one round showed. */
export interface Measured {
  seconds: number
  messages: number
  deliveries: number
  /** Of all processes of the system. */
  cpuSeconds: number
  /** Of each process of the cluster, in its order. */
  cpuByProcess: number[]
  /** Milliseconds from when a message was due until a subscriber had it; ascending. */
  latencies?: number[]
}

interface Began {
  cpu: number[]
  delivered: number
  complete: number
  ms: number
}

/** Publishers and subscribers of one cluster, connected, with every message followed from its publisher to all its subscribers. */
export class Load {
  readonly #cluster: Cluster
  readonly #setting: Setting
  readonly #ledger: Ledger
  readonly #capacity: number
  readonly #publishers: { publisher: Publisher; outstanding: Parcel | undefined; open: number }[] = []
  readonly #owner = new Map<number, number>()
  readonly subscribers: Subscriber[] = []
  #prepared = 0
  #failure: Error | undefined
  #idle: (publisher: number) => void = () => undefined

  private constructor(cluster: Cluster, setting: Setting) {
    this.#cluster = cluster
    this.#setting = setting
    const channels = setting.channels.length
    const each = setting.subscribersAt.length
    this.#capacity = Math.floor(BITS / Math.max(channels * each, BITS / MOST_MESSAGES))
    this.#ledger = new Ledger({ channels, each, capacity: this.#capacity })
    this.#ledger.onComplete((n) => this.#completed(n))
  }

  static async connect(cluster: Cluster, setting: Setting): Promise<Load> {
    const load = new Load(cluster, setting)
    await load.#subscribe()
    return load
  }

  get channels(): readonly string[] {
    return this.#setting.channels
  }

  /** Every publisher sends its next parcel once its last is acknowledged and with all subscribers. */
  async closedLoop(seconds: number, perSecond: number): Promise<Measured> {
    const { batch } = this.#setting
    const parcels = await this.#prepare(Math.ceil((perSecond * seconds) / batch) + this.#setting.publishers)
    await this.#openPublishers()
    const began = this.#begin()
    const endMs = performance.now() + seconds * 1_000
    let next = 0
    await new Promise<void>((resolve, reject) => {
      let busy = 0
      let last = performance.now()
      const watch = setInterval(() => {
        if (performance.now() - last < STUCK_MS && !this.#failure) return
        clearInterval(watch)
        reject(this.#failure ?? new Error(`Nothing happened for ${STUCK_MS / 1_000} s: ${this.#ledger.problem()}`))
      }, 200)
      const give = (publisher: number): void => {
        last = performance.now()
        const parcel = parcels[next]
        if (!parcel || last >= endMs) {
          if (--busy > 0) return
          clearInterval(watch)
          resolve()
          return
        }
        next++
        this.#send(publisher, parcel, last)
      }
      this.#idle = give
      busy = this.#publishers.length
      for (const index of this.#publishers.keys()) give(index)
    })
    return this.#end(began)
  }

  /** Messages become due at an even pace, whatever happened to those before. That this process is late itself is nobody's latency. */
  async paced(seconds: number, perSecond: number): Promise<Measured> {
    const parcels = await this.#prepare(Math.round(seconds * perSecond))
    await this.#openPublishers()
    const began = this.#begin()
    this.#ledger.latencies = []
    const startMs = performance.now()
    const free = [...this.#publishers.keys()]
    const queue: { parcel: Parcel; dueMs: number }[] = []
    this.#idle = (publisher) => {
      const first = queue.shift()
      if (first) this.#send(publisher, first.parcel, first.dueMs)
      else free.push(publisher)
    }
    let next = 0
    await new Promise<void>((resolve, reject) => {
      const tick = (): void => {
        const now = performance.now()
        for (; next < parcels.length && startMs + (next * 1_000) / perSecond <= now; next++) {
          const parcel = parcels[next]
          if (!parcel) continue
          const publisher = free.pop()
          if (publisher === undefined) queue.push({ parcel, dueMs: now })
          else this.#send(publisher, parcel, now)
        }
        if (this.#failure) reject(this.#failure)
        else if (next < parcels.length) setTimeout(tick, 1)
        else resolve()
      }
      tick()
    })
    await this.#settle()
    const { latencies } = this.#ledger
    this.#ledger.latencies = undefined
    return { ...this.#end(began), latencies: latencies.sort((a, b) => a - b) }
  }

  /** @throws Error when a message is missing somewhere, or came twice */
  async close(): Promise<void> {
    try {
      await this.#settle()
      const problem = this.#ledger.problem()
      if (problem !== undefined) throw new Error(problem)
    } finally {
      for (const { publisher } of this.#publishers) publisher.close()
      for (const subscriber of this.subscribers) subscriber.close()
    }
  }

  async #subscribe(): Promise<void> {
    const { channels, subscribersAt } = this.#setting
    const wanted = channels.flatMap((channel) => subscribersAt.map((server) => ({ channel, server })))
    const subscribe = ({ channel, server }: (typeof wanted)[number], index: number): Promise<Subscriber> => {
      const marks = new MarkReader((n) => this.#ledger.received(index, n))
      return this.#cluster.subscribe(channel, server, (bytes) => marks.read(bytes))
    }
    for (let at = 0; at < wanted.length; at += AT_ONCE) {
      const some = wanted.slice(at, at + AT_ONCE).map((one, i) => subscribe(one, at + i))
      this.subscribers.push(...(await Promise.all(some)))
    }
  }

  /** Anew for each part: while messages were prepared, servers may have closed connections on which nothing happened. */
  async #openPublishers(): Promise<void> {
    for (const { publisher } of this.#publishers.splice(0)) publisher.close()
    for (let index = 0; index < this.#setting.publishers; index++) {
      const publisher = await this.#cluster.publisher(this.#setting.publishAt, (error) => this.#answered(index, error))
      this.#publishers.push({ publisher, outstanding: undefined, open: 0 })
    }
  }

  async #prepare(count: number): Promise<Parcel[]> {
    const { batch, channels } = this.#setting
    if (this.#prepared + count * batch > this.#capacity) throw new Error(`More than ${this.#capacity} messages in one round`)
    const parcels: Parcel[] = []
    for (let i = 0; i < count; i++) {
      const messages: Message[] = Array.from({ length: batch }, () => {
        const n = this.#prepared++
        return { n, channel: channels[n % channels.length] ?? '', text: payload(n, MESSAGE_BYTES) }
      })
      parcels.push(await this.#cluster.prepare(messages))
    }
    return parcels
  }

  #send(index: number, parcel: Parcel, dueMs: number): void {
    const publisher = this.#publishers[index]
    if (!publisher) return
    publisher.outstanding = parcel
    publisher.open = parcel.numbers.length
    for (const n of parcel.numbers) {
      this.#ledger.sent(n, dueMs)
      this.#owner.set(n, index)
      if (!publisher.publisher.acknowledges) this.#ledger.acknowledged(n)
    }
    publisher.publisher.send(parcel)
  }

  #answered(index: number, error: Error | undefined): void {
    if (error) this.#failure ??= error
    else for (const n of this.#publishers[index]?.outstanding?.numbers ?? []) this.#ledger.acknowledged(n)
  }

  #completed(n: number): void {
    const index = this.#owner.get(n) ?? -1
    this.#owner.delete(n)
    const publisher = this.#publishers[index]
    if (publisher && --publisher.open === 0) this.#idle(index)
  }

  async #settle(): Promise<void> {
    const untilMs = performance.now() + SETTLE_MS
    while (this.#ledger.complete < this.#ledger.published && performance.now() < untilMs && !this.#failure)
      await new Promise((resolve) => setTimeout(resolve, 5))
    if (this.#failure) throw this.#failure
  }

  #begin(): Began {
    const { delivered, complete } = this.#ledger
    return { cpu: this.#cpu(), delivered, complete, ms: performance.now() }
  }

  #end({ cpu, delivered, complete, ms }: Began): Measured {
    const cpuByProcess = this.#cpu().map((seconds, i) => seconds - (cpu[i] ?? 0))
    return {
      seconds: (performance.now() - ms) / 1_000,
      messages: this.#ledger.complete - complete,
      deliveries: this.#ledger.delivered - delivered,
      cpuSeconds: cpuByProcess.reduce((total, seconds) => total + seconds, 0),
      cpuByProcess,
    }
  }

  #cpu(): number[] {
    return this.#cluster.pids.map((pid) => cpuSeconds([pid]))
  }
}
