import { originOf, type Coordinate, type StoredEvent } from '@dred/protocol'

/** On how many servers a message is stored. */
export interface Stored {
  /** At least; 1 is the server that delivered it. */
  stored: number
  /** Servers of the neighborhood, all of which are to have it; undefined while no server has told of the message. */
  servers: number | undefined
}

/** What servers have told of the storage of messages that entered at them. */
export class Ladder {
  /** Of each server and incarnation: at `k - 1` the count up to which messages are stored on `k` servers at least. */
  readonly #origins = new Map<string, { upTo: number[]; servers: number }>()

  add({ stored, servers, n, ...event }: StoredEvent): void {
    const origin = originOf(event)
    const { upTo } = this.#origins.get(origin) ?? { upTo: [] }
    for (let index = 0; index < stored; index++) upTo[index] = Math.max(upTo[index] ?? 0, n)
    this.#origins.set(origin, { upTo, servers })
  }

  of(origin: Coordinate): Stored {
    const { upTo, servers } = this.#origins.get(originOf(origin)) ?? { upTo: [] }
    const stored = upTo.filter((n) => n >= origin.n).length
    return stored === 0 ? { stored: 1, servers: undefined } : { stored, servers }
  }
}
