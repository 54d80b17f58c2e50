import type { Confirmation } from './port.ts'

/** How far this server's own messages are stored on others. */
export class Confirmations {
  #incarnation = 0
  #upTo: readonly number[] = []
  #servers = 1
  readonly #listeners = new Set<() => void>()

  of(incarnation: number): Confirmation {
    return { upTo: incarnation === this.#incarnation ? this.#upTo : [], servers: this.#servers }
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  confirmed({ incarnation, upTo }: { incarnation: number; upTo: readonly number[] }): void {
    this.#incarnation = incarnation
    this.#upTo = upTo
    this.#say()
  }

  /** @param servers that are to have what clients hand to this one, itself included */
  members(servers: number): void {
    if (servers === this.#servers) return
    this.#servers = servers
    this.#say()
  }

  #say(): void {
    for (const listener of this.#listeners) listener()
  }
}
