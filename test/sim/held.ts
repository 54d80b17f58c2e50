import type { Coordinate } from '@dred/protocol'
import { coordinateKey, type Message } from './messages.ts'

/** Messages that a server has and has not stored yet; what clients handed over has no coordinate before. */
export class Held {
  readonly #nowMs: () => number
  readonly #submitted = new Map<number, { message: Message; accepted: () => void }>()
  readonly #since = new Map<string, { message: Message; ms: number }>()
  #tickets = 0

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs
  }

  /** @returns a ticket */
  submit(message: Message, accepted: () => void): number {
    this.#submitted.set(++this.#tickets, { message, accepted })
    this.#begin(message.id, message)
    return this.#tickets
  }

  admit(ticket: number): { message: Message; accepted: () => void } | undefined {
    const submitted = this.#submitted.get(ticket)
    this.#submitted.delete(ticket)
    return submitted
  }

  /** A peer's message could be stored from now on, unless it could already. */
  verified(coordinate: Coordinate, message: Message): void {
    this.#begin(coordinateKey(coordinate), message)
  }

  /** Who hands it over again does not make it any younger. */
  #begin(key: string, message: Message): void {
    if (!this.#since.has(key)) this.#since.set(key, { message, ms: this.#nowMs() })
  }

  /** @returns how long it was held, ms */
  logged(key: Coordinate | Message['id']): number {
    const name = typeof key === 'string' ? key : coordinateKey(key)
    const sinceMs = this.#since.get(name)?.ms ?? this.#nowMs()
    this.#since.delete(name)
    return this.#nowMs() - sinceMs
  }

  /** What has been held for at least so long, of peers and of clients. */
  longerThan(ms: { peer: number; client: number }): Message[] {
    return [...this.#since].flatMap(([key, { message, ms: sinceMs }]) => {
      const leastMs = key === message.id ? ms.client : ms.peer
      return this.#nowMs() - sinceMs >= leastMs ? [message] : []
    })
  }

  /** Clients get no answer. */
  forgetClients(): void {
    this.#submitted.clear()
  }

  clear(): void {
    this.#submitted.clear()
    this.#since.clear()
  }
}
