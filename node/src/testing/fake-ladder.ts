import type { Confirmation, Replicator } from '../peers/port.ts'
import { noReplicator } from './test-node.ts'

/** What a replicator hears from the others about this server's messages, set by a test; of the present incarnation. */
export class FakeLadder {
  #confirmation: Confirmation
  readonly #listeners = new Set<() => void>()

  constructor(servers: number) {
    this.#confirmation = { upTo: [], servers }
  }

  readonly confirmed = (): Confirmation => this.#confirmation

  readonly onConfirmed = (listener: () => void): (() => void) => {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  get listeners(): number {
    return this.#listeners.size
  }

  /** @param upTo of one server, of two, … */
  hear(upTo: number[], servers = this.#confirmation.servers): void {
    this.#confirmation = { upTo, servers }
    for (const listener of this.#listeners) listener()
  }

  /** As a part of a whole server. */
  replicator(): Replicator {
    return { ...noReplicator(), confirmed: this.confirmed, onConfirmed: this.onConfirmed }
  }
}
