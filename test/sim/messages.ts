import { createHash } from 'node:crypto'
import type { Coordinate } from '@dred/protocol'
import type { BodyEntry } from '@dred/protocol/relay'

/** How a body came to a server for the first time. */
export interface Arrival {
  atMs: number
  /** Servers that it was sent by. */
  hops: number
  /** Whether each of these sent it then for the first time. */
  byTree: boolean
}

/** A message at one coordinate: a client that has no answer hands it to another server, where it gets a second one. */
export interface Accepted {
  readonly message: Message
  readonly entry: BodyEntry
  /** When it was durable at its origin, simulated ms. */
  readonly atMs: number
  readonly arrivals: Map<number, Arrival>
  /** When a server sent it on first. */
  readonly sentMs: Map<number, number>
}

export interface Message {
  readonly id: string
  readonly canonical: string
  readonly prev: readonly string[]
  /** Simulated ms. */
  readonly submittedMs: number
  /** Unix ms. */
  readonly expiresAt: number
  readonly accepted: Accepted[]
}

/** All messages of a run. */
export class Messages {
  readonly all: Message[] = []
  readonly #byId = new Map<string, Message>()
  readonly #byText = new Map<string, Message>()
  readonly #byCoordinate = new Map<string, Accepted>()

  create(fields: Pick<Message, 'prev' | 'submittedMs' | 'expiresAt'>, bodyBytes: number): Message {
    const { prev } = fields
    const text = `{"channel":"simulated","n":${this.all.length},"prev":${JSON.stringify(prev)},"padding":""}`
    const canonical = `${text.slice(0, -2)}${'x'.repeat(Math.max(0, bodyBytes - text.length))}"}`
    const message = { ...fields, canonical, id: createHash('sha256').update(canonical).digest('base64url'), accepted: [] }
    this.all.push(message)
    this.#byId.set(message.id, message)
    this.#byText.set(canonical, message)
    return message
  }

  accept(message: Message, entry: BodyEntry, atMs: number): Accepted {
    const accepted = { message, entry, atMs, arrivals: new Map(), sentMs: new Map() }
    message.accepted.push(accepted)
    this.#byCoordinate.set(coordinateKey(entry.coordinate), accepted)
    return accepted
  }

  ofId(id: string): Message | undefined {
    return this.#byId.get(id)
  }

  ofText(canonical: string): Message | undefined {
    return this.#byText.get(canonical)
  }

  at(coordinate: Coordinate): Accepted | undefined {
    return this.#byCoordinate.get(coordinateKey(coordinate))
  }
}

export function coordinateKey({ server, incarnation, n }: Coordinate): string {
  return `${server}-${incarnation}-${n}`
}
