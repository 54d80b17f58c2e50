import type { Clock } from '../clock.ts'

/**
 * Watches one read: after 1.25 keepalive intervals without a byte the stream is suspect, after 2.5 it is dead. Counts only while
 * armed, so an application that reads slowly is not held against the server.
 */
export class Watchdog {
  readonly #clock: Clock
  readonly #keepaliveMs: number
  readonly #on: { suspect: () => void; dead: () => void }
  #armedAt: number | undefined
  #timer: unknown

  constructor(options: { clock: Clock; keepaliveMs: number }, on: { suspect: () => void; dead: () => void }) {
    this.#clock = options.clock
    this.#keepaliveMs = options.keepaliveMs
    this.#on = on
  }

  arm(): void {
    this.disarm()
    this.#armedAt = this.#clock.now()
    this.#timer = this.#clock.setTimeout(this.check, this.#keepaliveMs * 1.25)
  }

  disarm(): void {
    if (this.#timer !== undefined) this.#clock.clearTimeout(this.#timer)
    this.#timer = undefined
    this.#armedAt = undefined
  }

  /** Judges by the clock, now: timers of a hidden page or a sleeping machine come late. */
  readonly check = (): void => {
    if (this.#armedAt === undefined) return
    if (this.#timer !== undefined) this.#clock.clearTimeout(this.#timer)
    const quietMs = this.#clock.now() - this.#armedAt
    const deadInMs = this.#keepaliveMs * 2.5 - quietMs
    if (deadInMs <= 0) {
      this.disarm()
      this.#on.dead()
      return
    }
    const suspectInMs = this.#keepaliveMs * 1.25 - quietMs
    this.#timer = this.#clock.setTimeout(this.check, suspectInMs > 0 ? suspectInMs : deadInMs)
    if (suspectInMs <= 0) this.#on.suspect()
  }
}
