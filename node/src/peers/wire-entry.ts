import { DredError, limits, type VerifySignature, verifyCanonicalMessage, verifyGenesis } from '@dred/protocol'
import { type BodyEntry, LinkError, type WireEntry } from '@dred/protocol/relay'
import { LRUCache } from 'lru-cache'
import { genesisEntry, messageEntry } from '../entries.ts'
import type { Entry, NewEntry, OriginEntry, Store } from '../store/port.ts'

/** Servers' clocks may differ by this much, in milliseconds, on top of what clients are allowed. */
const SERVER_SKEW_MS = 30_000
const LIFETIMES_KEPT = 10_000

export function toWire(entry: OriginEntry): WireEntry {
  switch (entry.kind) {
    case 'message':
    case 'genesis':
      return bodyOf(entry)
    case 'reference':
    case 'gone':
      return entry
  }
}

export function bodyOf({ kind, coordinate, canonical, sig, expiresAt, clock }: Entry): BodyEntry {
  return { kind, coordinate, canonical, sig, expiresAt, clock }
}

/** An entry that is what it says it is, and the ids of what it follows. */
export interface VerifiedEntry {
  entry: Entry
  prev: readonly string[]
}

export interface EntryVerifierOptions {
  store: Pick<Store, 'channel'>
  neighborhood: string
  /** Unix milliseconds. */
  now: () => number
  /** Of what devices signed; default WebCrypto. */
  verify?: VerifySignature | undefined
}

/** Makes entries of what peers send, believing nothing but what their clients signed. */
export class EntryVerifier {
  readonly #store: Pick<Store, 'channel'>
  readonly #neighborhood: string
  readonly #now: () => number
  readonly #verify: VerifySignature | undefined
  /** Message lifetimes of channels lately seen, in milliseconds: a channel's never changes. */
  readonly #lifetimes = new LRUCache<string, number>({ max: LIFETIMES_KEPT })

  constructor({ store, neighborhood, now, verify }: EntryVerifierOptions) {
    this.#store = store
    this.#neighborhood = neighborhood
    this.#now = now
    this.#verify = verify
  }

  /**
   * @throws LinkError `rejected_entry` for what no honest server sends
   * @throws DredError `clock_skew` for what is dated too far ahead, as an honest server whose clock is a little ahead of this one takes it;
   *   `store_unavailable`
   */
  async verify(wire: BodyEntry): Promise<VerifiedEntry> {
    const { coordinate, clock } = wire
    try {
      const { entry, prev } = wire.kind === 'genesis' ? await this.#genesis(wire) : await this.#message(wire)
      return { entry: { ...entry, coordinate, clock }, prev }
    } catch (error) {
      if (!(error instanceof DredError) || error.retryable || error.code === 'clock_skew') throw error
      throw new LinkError('rejected_entry', `${error.code}: ${error.message}`, error)
    }
  }

  async #genesis({ canonical, sig }: { canonical: string; sig: string }): Promise<{ entry: NewEntry; prev: readonly string[] }> {
    const verified = await verifyGenesis({ ...parse(canonical), sig }, undefined, this.#verify)
    if (verified.canonical !== canonical) throw new DredError('malformed_genesis', { detail: 'The signed bytes are not in canonical form' })
    if (verified.genesis.neighborhood !== this.#neighborhood) throw new DredError('wrong_neighborhood')
    this.#assertNotAhead(verified.genesis.createdAt)
    this.#lifetimes.set(verified.id, verified.genesis.lifetimeMs)
    return { entry: genesisEntry(verified), prev: [] }
  }

  async #message(wire: { canonical: string; sig: string; expiresAt: number }): Promise<{ entry: NewEntry; prev: readonly string[] }> {
    const verified = await verifyCanonicalMessage(wire.canonical, wire.sig, this.#verify)
    this.#assertNotAhead(verified.sentAt)
    // Of a control message no date is believed, nor needed.
    if (verified.control !== undefined) return { entry: messageEntry(verified, 0), prev: verified.prev }
    const lifetimeMs = (await this.#lifetimeOf(verified.channel)) ?? wire.expiresAt - verified.sentAt
    if (lifetimeMs < limits.lifetimeMs.min || lifetimeMs > limits.lifetimeMs.max)
      throw new DredError('malformed_message', { detail: 'The date of expiry is out of bounds' })
    return { entry: messageEntry(verified, lifetimeMs), prev: verified.prev }
  }

  /** What is dated ahead would prolong its channel. */
  #assertNotAhead(date: number): void {
    if (date > this.#now() + limits.clockSkewMs + SERVER_SKEW_MS) throw new DredError('clock_skew')
  }

  /** Undefined for a channel that is not known here yet: its genesis is on its way from another server. */
  async #lifetimeOf(channel: string): Promise<number | undefined> {
    const known = this.#lifetimes.get(channel)
    if (known !== undefined) return known
    const lifetimeMs = (await this.#store.channel(channel))?.genesis.lifetimeMs
    if (lifetimeMs !== undefined) this.#lifetimes.set(channel, lifetimeMs)
    return lifetimeMs
  }
}

function parse(canonical: string): object {
  try {
    const value: unknown = JSON.parse(canonical)
    if (typeof value === 'object' && value !== null && !('sig' in value)) return value
  } catch {
    // Told below.
  }
  throw new DredError('malformed_genesis', { detail: 'The signed bytes are not a JSON object without a signature' })
}
