import type { Bus } from '../processes/bus.ts'
import type { Held } from './board.ts'

const TOLD = 'notices'
const WANTED = 'notices-wanted'
const GIVEN = 'notices-given'
/** Notices of one message. */
const CHUNK = 128
/** Whoever is first to answer a process that has just started spares the others. */
const ANSWER_MS = 200

export interface ProcessesHost {
  all(): Iterable<Held>
  heard(held: Held): void
}

/** Keeps the processes of one server at the same notices: what one has judged the others believe. */
export class Processes {
  readonly #bus: Bus
  readonly #host: ProcessesHost
  readonly #stops: (() => void)[] = []
  #answer: NodeJS.Timeout | undefined

  constructor(bus: Bus, host: ProcessesHost) {
    this.#bus = bus
    this.#host = host
  }

  /** Asks the others for what holds. */
  start(): void {
    this.#stops.push(
      this.#bus.subscribe(TOLD, (text) => {
        for (const held of JSON.parse(text) as Held[]) this.#host.heard(held)
      }),
      this.#bus.subscribe(WANTED, () => {
        this.#answer ??= setTimeout(() => this.#give(), Math.random() * ANSWER_MS).unref()
      }),
      this.#bus.subscribe(GIVEN, () => this.#cancel()),
      () => this.#cancel(),
    )
    this.#bus.publish(WANTED, '')
  }

  stop(): void {
    for (const stop of this.#stops.splice(0)) stop()
  }

  tell(...held: Held[]): void {
    this.#bus.publish(TOLD, JSON.stringify(held))
  }

  #give(): void {
    this.#answer = undefined
    const all = [...this.#host.all()]
    if (all.length === 0) return
    this.#bus.publish(GIVEN, '')
    for (let from = 0; from < all.length; from += CHUNK) this.tell(...all.slice(from, from + CHUNK))
  }

  #cancel(): void {
    clearTimeout(this.#answer)
    this.#answer = undefined
  }
}
