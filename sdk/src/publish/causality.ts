import { limits } from '@dred/protocol'

export interface SeenMessage {
  id: string
  /** Ids that the message names. */
  prev: readonly string[]
  /** Unix ms. */
  sentAt: number
}

/** How the messages of one channel follow each other, as far as this client has seen them. */
export class Causality {
  /** When the seen messages were sent that no seen message names, in the order of their arrival. */
  readonly #heads = new Map<string, number>()
  readonly #lifetimeMs: number
  readonly #now: () => number

  /**
   * @param lifetimeMs of the channel's messages
   * @param now Unix ms
   */
  constructor(lifetimeMs: number, now: () => number) {
    this.#lifetimeMs = lifetimeMs
    this.#now = now
  }

  /**
   * Ids of up to four messages that no seen message names: what the next one follows. Those that have expired are left out:
   * servers would wait for them, and they will not come.
   */
  heads(): string[] {
    const oldest = this.#now() - this.#lifetimeMs
    return [...this.#heads].flatMap(([id, sentAt]) => (sentAt > oldest ? [id] : []))
  }

  see({ id, prev, sentAt }: SeenMessage): void {
    for (const earlier of prev) this.#heads.delete(earlier)
    this.#heads.set(id, sentAt)
    for (const oldest of this.#heads.keys()) {
      if (this.#heads.size <= limits.prevIds) break
      this.#heads.delete(oldest)
    }
  }
}
