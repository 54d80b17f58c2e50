import { setTimeout as delay } from 'node:timers/promises'
import { type Coordinate, DredError, originOf } from '@dred/protocol'
import { type BodyEntry, LinkError, type RelayEvent, relayLimits, type WireEntry } from '@dred/protocol/relay'
import type { OriginEntry, Store } from '../store/port.ts'
import type { ReplicationEvents } from './port.ts'
import { type EntryVerifier, toWire } from './wire-entry.ts'

export interface EntryStoreOptions {
  store: Store
  verifier: EntryVerifier
  tell: (event: RelayEvent) => void
  /** The store could not be asked. */
  failed: (error: unknown) => void
  /** Less waits than {@link EntryStore.busy} says. */
  eased: () => void
  events: ReplicationEvents | undefined
}

interface ReadRange {
  ticket: number
  server: number
  incarnation: number
  from: number
  to: number
  limit: number
}

/** More bytes than this of entries and statements that wait for the store: then no peer is listened to. */
const BUSY_BYTES = 8 * 1_048_576
/** What an entry without a body costs at least. */
const ENTRY_BYTES = 256

/** While the store has no room: how often an entry is tried, and the milliseconds in between. Then it is left to its peers for a while. */
const NO_ROOM = { attempts: 5, waitMs: 1_000 }

/** Under this an entry that was verified has what it was found to be: thousands are on their way, and a WeakMap of as many is slow. */
const verified = Symbol('verified')

interface Verified {
  [verified]?: OriginEntry
}

/** What the relay wants of the store. Nothing here rejects: what comes of it is told. */
export class EntryStore {
  readonly #options: EntryStoreOptions
  readonly #storing = new Map<string, Promise<void>>()
  #bytes = 0

  constructor(options: EntryStoreOptions) {
    this.#options = options
  }

  /** Whether as much as may waits for the store. */
  get busy(): boolean {
    return this.#bytes > BUSY_BYTES
  }

  async verify(wire: BodyEntry): Promise<void> {
    const { verifier, store, tell, events } = this.#options
    const { coordinate } = wire
    try {
      const { entry, prev } = await verifier.verify(wire)
      const missing = prev.length === 0 ? [] : await store.unknown(prev)
      Object.assign<BodyEntry, Verified>(wire, { [verified]: entry })
      tell({ type: 'verified', coordinate, id: entry.id, missing, expiresAt: entry.expiresAt })
    } catch (error) {
      if (error instanceof LinkError) {
        events?.received('rejected')
        tell({ type: 'rejected', coordinate, detail: error.message })
        return
      }
      if (!(error instanceof DredError && error.code === 'clock_skew')) this.#options.failed(error)
      tell({ type: 'unverified', coordinate })
    }
  }

  /** In the order of the calls. */
  put(wire: WireEntry): void {
    const entry = 'canonical' in wire ? (wire as Verified)[verified] : wire
    if (!entry) throw new Error(`An entry is to be stored that was not verified: ${keyOf(wire.coordinate)}`)
    const bytes = ENTRY_BYTES + ('canonical' in wire ? wire.canonical.length : 0)
    this.#bytes += bytes
    const key = keyOf(wire.coordinate)
    const stored = this.#store(entry).finally(() => {
      const { busy } = this
      this.#bytes -= bytes
      if (busy && !this.busy) this.#options.eased()
      if (this.#storing.get(key) === stored) this.#storing.delete(key)
    })
    this.#storing.set(key, stored)
  }

  /** Whether an entry with these coordinates is being stored for the relay. */
  isStoring(coordinate: Coordinate): boolean {
    return this.#storing.has(keyOf(coordinate))
  }

  /** Resolves once what became of everything has been told. */
  async settled(): Promise<void> {
    while (this.#storing.size > 0) await Promise.all(this.#storing.values())
  }

  async read({ ticket, limit, ...range }: ReadRange): Promise<void> {
    const { store, tell, failed } = this.#options
    try {
      const entries = await store.readOrigin(range, limit)
      tell({ type: 'read', ticket, entries: atMost(relayLimits.batchBytes, entries).map(toWire) })
    } catch (error) {
      failed(error)
      tell({ type: 'read', ticket, entries: [] })
    }
  }

  async #store(entry: OriginEntry): Promise<void> {
    const { store, tell, failed, events } = this.#options
    const { coordinate } = entry
    for (let attempt = 1; ; attempt++) {
      try {
        const result = await store.replicate(entry)
        events?.received(result)
        tell({ type: 'stored', coordinate, result })
        return
      } catch (error) {
        const full = error instanceof DredError && error.code === 'storage_full'
        if (full && attempt < NO_ROOM.attempts) {
          await delay(NO_ROOM.waitMs, undefined, { ref: false })
          continue
        }
        // A store that is full has lost nothing.
        if (!full) failed(error)
        tell({ type: 'stored', coordinate, result: 'failed' })
        return
      }
    }
  }
}

function keyOf(coordinate: Coordinate): string {
  return `${originOf(coordinate)}-${coordinate.n}`
}

/** The first of them that together have at most so many bytes, one at least. */
function atMost(maxBytes: number, entries: OriginEntry[]): OriginEntry[] {
  let bytes = 0
  const tooMany = entries.findIndex((entry, at) => {
    bytes += 'canonical' in entry ? Buffer.byteLength(entry.canonical) : 0
    return at > 0 && bytes > maxBytes
  })
  return tooMany === -1 ? entries : entries.slice(0, tooMany)
}
