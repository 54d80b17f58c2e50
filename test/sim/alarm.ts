import type { World } from './world.ts'

/** By how much a timer is late; it is never early. */
const LATE_MS = 0.01
/** Ticks in ten milliseconds, after which a machine is taken to run in circles. */
const SPINNING = 500
const SPINNING_MS = 10

/** The one timer of a server. */
export class Alarm {
  readonly #world: World
  readonly #server: number
  #set = 0
  #spins = { atMs: 0, count: 0 }

  constructor(world: World, server: number) {
    this.#world = world
    this.#server = server
  }

  /** Rings in so many ms, unless it is set anew or cleared before. */
  set(inMs: number, ring: () => void): void {
    const set = ++this.#set
    const { nowMs, checks } = this.#world
    if (nowMs - this.#spins.atMs > SPINNING_MS) this.#spins = { atMs: nowMs, count: 0 }
    if (inMs <= 0 && ++this.#spins.count > SPINNING) {
      checks.violate('time passes', `server ${this.#server} asks for one tick after the other`)
      return
    }
    this.#world.after(Math.max(0, inMs) + LATE_MS, () => {
      if (this.#set === set) ring()
    })
  }

  clear(): void {
    this.#set++
  }
}
