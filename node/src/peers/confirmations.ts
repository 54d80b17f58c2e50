import { Listeners } from '../listeners.ts'
import type { Confirmation } from './port.ts'

/** How far this server's own messages are stored on others. */
export class Confirmations {
  #incarnation = 0
  #upTo: readonly number[] = []
  #servers = 1
  readonly #changed = new Listeners<[]>()

  of(incarnation: number): Confirmation {
    return { upTo: incarnation === this.#incarnation ? this.#upTo : [], servers: this.#servers }
  }

  onChange(listener: () => void): () => void {
    return this.#changed.add(listener)
  }

  confirmed({ incarnation, upTo }: { incarnation: number; upTo: readonly number[] }): void {
    this.#incarnation = incarnation
    this.#upTo = upTo
    this.#changed.emit()
  }

  /** @param servers that are to have what clients hand to this one, itself included */
  members(servers: number): void {
    if (servers === this.#servers) return
    this.#servers = servers
    this.#changed.emit()
  }
}
