import type { Origin, VersionVector } from '@dred/protocol'
import type { Link } from './link.ts'
import type { Timings } from './options.ts'
import { latestUnknownLife, planPulls } from './pull-plan.ts'

interface Flight {
  link: Link
  ticket: number
  /** First count asked for. */
  from: number
  /** `performance.now()` after which no answer is expected any more; none while the answer is being stored. */
  deadline: number
}

/** Up to where an origin is complete here, and the `performance.now()` since which that has not changed. */
interface Stall {
  watermark: number
  since: number
}

export interface PullerOptions {
  timings: Timings
  self(): { server: number; incarnation: number }
  /** See `ReplicatorOptions`. */
  outgrow(incarnation: number): void
  /** What is stored here. May reject. */
  mine(): Promise<VersionVector>
  links(): readonly Link[]
  failed(error: unknown): void
}

/** Asks connected peers for what is missing here: one question per origin at a time. */
export class Puller {
  readonly #options: PullerOptions
  readonly #flights = new Map<Origin, Flight>()
  /** `performance.now()` until which a peer is not asked for an origin, by peer and origin. */
  readonly #refusals = new Map<string, number>()
  /** Of each origin that was to be pulled at the last look. */
  #stalls: ReadonlyMap<Origin, Stall> = new Map()
  /** What was answered since the last look. */
  readonly #answers = new Map<Origin, Flight>()
  #tickets = 0
  #running = false
  #again = false
  #timer: NodeJS.Timeout | undefined
  #stopped = false

  constructor(options: PullerOptions) {
    this.#options = options
  }

  /** Looks what is missing, and asks for it; soon again when it was doing so. Never throws. */
  run(): void {
    if (this.#running || this.#stopped) {
      this.#again = true
      return
    }
    this.#running = true
    void this.#look().finally(() => {
      this.#running = false
      if (!this.#again) return
      this.#again = false
      this.run()
    })
  }

  /** An answer has come and is stored, as far as it could be. */
  answered(link: Link, ticket: number): void {
    for (const [origin, flight] of this.#flights) {
      if (flight.link !== link || flight.ticket !== ticket) continue
      this.#flights.delete(origin)
      this.#answers.set(origin, flight)
    }
    this.run()
  }

  /** Does not wait for answers from a link that is gone. */
  forget(link: Link): void {
    for (const [origin, flight] of this.#flights) if (flight.link === link) this.#flights.delete(origin)
    this.run()
  }

  stop(): void {
    this.#stopped = true
    clearTimeout(this.#timer)
  }

  async #look(): Promise<void> {
    try {
      const told = this.#options.links().map(({ vector }) => vector)
      const mine = await this.#options.mine()
      if (this.#stopped) return
      const unknown = latestUnknownLife(told, mine, this.#options.self())
      if (unknown !== undefined) this.#options.outgrow(unknown)
      this.#expire()
      this.#judgeAnswers(mine)
      const links = this.#options.links()
      const stalls = new Map<Origin, Stall>()
      const { pulls, againInMs } = planPulls({
        mine,
        self: this.#options.self(),
        sources: links.map((link) => ({ peer: link.peer, vector: link.vector, pulls: this.#count(link) })),
        inFlight: (origin) => this.#flights.has(origin),
        refused: (peer, origin) => this.#refusals.has(`${peer} ${origin}`),
        stalledMs: (origin) => {
          const stall = this.#stallOf(origin, mine.watermark(origin))
          stalls.set(origin, stall)
          return performance.now() - stall.since
        },
        graceMs: this.#options.timings.graceMs,
      })
      this.#stalls = stalls
      for (const { peer, origin, from, to } of pulls) {
        const link = links.find((candidate) => candidate.peer === peer)
        if (link) this.#ask(link, origin, { from, to })
      }
      if (againInMs !== undefined) this.#later(againInMs)
    } catch (error) {
      this.#options.failed(error)
    }
  }

  #ask(link: Link, origin: Origin, range: { from: number; to: number }): void {
    const ticket = ++this.#tickets
    const [server = 0, incarnation = 0] = origin.split('-').map(Number)
    this.#flights.set(origin, { link, ticket, from: range.from, deadline: performance.now() + this.#options.timings.pullMs })
    link.connection.send({ type: 'PULL', ticket, server, incarnation, ...range })
  }

  #expire(): void {
    const now = performance.now()
    for (const [origin, { link, deadline }] of this.#flights) {
      if (now < deadline) continue
      this.#flights.delete(origin)
      this.#refuse(link.peer, origin)
    }
    for (const [key, until] of this.#refusals) if (now >= until) this.#refusals.delete(key)
  }

  /** Who gave nothing that could be stored is not asked for it again at once. */
  #judgeAnswers(mine: VersionVector): void {
    for (const [origin, { link, from }] of this.#answers) if (mine.watermark(origin) < from) this.#refuse(link.peer, origin)
    this.#answers.clear()
  }

  #refuse(peer: number, origin: Origin): void {
    this.#refusals.set(`${peer} ${origin}`, performance.now() + this.#options.timings.retryMs)
  }

  #stallOf(origin: Origin, watermark: number): Stall {
    const stall = this.#stalls.get(origin)
    return stall?.watermark === watermark ? stall : { watermark, since: performance.now() }
  }

  #count(link: Link): number {
    return [...this.#flights.values()].filter((flight) => flight.link === link).length
  }

  #later(ms: number): void {
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => this.run(), ms)
  }
}
