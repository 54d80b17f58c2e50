import { isDeepStrictEqual } from 'node:util'
import type { Log } from '../log.ts'
import { type Tracing, traced } from '../observability/tracing.ts'
import type { RegisteredServer, RegistryFreshness, RegistryView } from './port.ts'
import { type Reading, type RegistryLocation, RegistryReader } from './registry-reader.ts'
import { acceptedKeys, isAttested, peersOf } from './standing.ts'

export interface RegistryViewOptions extends RegistryLocation {
  /** Milliseconds between looks at the chain; default 1 s on the local chain 31337 and 4 s elsewhere. */
  pollingMs?: number
  /** Milliseconds without a successful look after which the view is no longer fresh; default five looks, at least 10 s. */
  staleAfterMs?: number
  log?: Log
  tracing?: Tracing | undefined
  /** This server's clock, in Unix milliseconds. */
  clock?: () => number
}

const LOCAL_CHAIN = 31_337

/**
 * Reads a neighborhood from the chain and keeps following it. While the chain cannot be read the view stays as it was; when the chain was
 * reset or reorganised, it is read anew from the start.
 * @throws ChainError when the first reading fails
 */
export async function openRegistryView(options: RegistryViewOptions): Promise<RegistryView> {
  const reader = new RegistryReader(options)
  try {
    return new FollowedRegistry(options, reader, await reader.readAll())
  } catch (error) {
    reader.close()
    throw error
  }
}

/**
 * The server whose key this is, or was.
 * @param keyId 20-byte id of a server key, hex in any case
 */
export function findOwnServer(view: RegistryView, keyId: string): RegisteredServer | undefined {
  const wanted = keyId.toLowerCase()
  return view.servers().find((server) => server.keyId === wanted || server.formerKeys.some((former) => former.keyId === wanted))
}

/** What follows from a reading at a time. */
interface Derived {
  sorted: readonly RegisteredServer[]
  peers: ReadonlyMap<number, RegisteredServer>
  /** Ids of the attested peers. */
  attested: readonly number[]
  /** Ids of the former keys that are still accepted, of any server. */
  formerKeys: readonly string[]
}

function derive({ servers }: Reading, now: number): Derived {
  const sorted = [...servers.values()].sort((a, b) => a.id - b.id)
  const peers = peersOf(sorted)
  return {
    sorted,
    peers: new Map(peers.map((peer) => [peer.id, peer])),
    attested: peers.filter((peer) => isAttested(peer, now)).map(({ id }) => id),
    formerKeys: sorted.flatMap((server) => acceptedKeys(server, now).flatMap(({ keyId }) => (keyId === server.keyId ? [] : [keyId]))),
  }
}

class FollowedRegistry implements RegistryView {
  readonly chainId: number
  readonly serverRegistry: `0x${string}`
  readonly neighborhood: string
  readonly #reader: RegistryReader
  readonly #pollingMs: number
  readonly #staleAfterMs: number
  readonly #log: Log | undefined
  readonly #tracing: Tracing | undefined
  readonly #listeners = new Set<() => void>()
  readonly #clock: () => number
  #reading: Reading
  #derived: Derived
  #readAt = performance.now()
  #failing = false
  #failures = 0
  #closed = false
  #timer: NodeJS.Timeout | undefined
  #look: Promise<void> = Promise.resolve()

  constructor(options: RegistryViewOptions, reader: RegistryReader, reading: Reading) {
    this.chainId = options.chainId
    this.serverRegistry = options.serverRegistry.toLowerCase() as `0x${string}`
    this.neighborhood = options.neighborhood
    this.#reader = reader
    this.#pollingMs = options.pollingMs ?? (options.chainId === LOCAL_CHAIN ? 1_000 : 4_000)
    this.#staleAfterMs = options.staleAfterMs ?? Math.max(10_000, 5 * this.#pollingMs)
    this.#log = options.log
    this.#tracing = options.tracing
    this.#clock = options.clock ?? Date.now
    this.#reading = reading
    this.#derived = derive(reading, this.now())
    this.#schedule()
  }

  get parameters(): RegistryView['parameters'] {
    return this.#reading.parameters
  }

  servers(): readonly RegisteredServer[] {
    return this.#derived.sorted
  }

  server(id: number): RegisteredServer | undefined {
    return this.#reading.servers.get(id)
  }

  peers(): readonly RegisteredServer[] {
    return [...this.#derived.peers.values()]
  }

  peer(id: number): RegisteredServer | undefined {
    return this.#derived.peers.get(id)
  }

  attested(): readonly RegisteredServer[] {
    const now = this.now()
    return this.peers().filter((peer) => isAttested(peer, now))
  }

  now(): number {
    return Math.max(Math.floor(this.#clock() / 1_000), this.#reading.block.timestamp)
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  freshness(): RegistryFreshness {
    const ageMs = Math.round(performance.now() - this.#readAt)
    const { number, timestamp } = this.#reading.block
    return { fresh: ageMs <= this.#staleAfterMs, ageMs, block: Number(number), blockAt: timestamp, failures: this.#failures }
  }

  async close(): Promise<void> {
    this.#closed = true
    clearTimeout(this.#timer)
    this.#reader.close()
    this.#listeners.clear()
    await this.#look
  }

  #schedule(): void {
    this.#timer = setTimeout(() => {
      this.#look = this.#lookOnce().finally(() => {
        if (!this.#closed) this.#schedule()
      })
    }, this.#pollingMs)
  }

  async #lookOnce(): Promise<void> {
    const startedAt = performance.now()
    try {
      const next = (await traced(this.#tracing, 'chain read', () => this.#reader.readOn(this.#reading))) ?? (await this.#readAnew())
      if (this.#closed) return
      this.#readAt = startedAt
      if (this.#failing) this.#log?.info({ block: Number(next.block.number) }, 'the chain can be read again')
      this.#failing = false
      this.#reading = next
    } catch (error) {
      if (this.#closed) return
      this.#failures++
      // Said once for each outage: the age of the view tells the rest.
      if (!this.#failing) this.#log?.warn({ error: String(error) }, 'the chain cannot be read; going on with what is known')
      this.#failing = true
    }
    this.#notice()
  }

  #readAnew(): Promise<Reading> {
    this.#log?.warn({ block: Number(this.#reading.block.number) }, 'the chain was reset or reorganised; reading it from the start')
    return this.#reader.readAll()
  }

  /** Tells of what has changed, on the chain or by the passing of time. */
  #notice(): void {
    const next = derive(this.#reading, this.now())
    if (isDeepStrictEqual(next, this.#derived)) return
    this.#derived = next
    for (const listener of this.#listeners) {
      try {
        listener()
      } catch (error) {
        this.#log?.error({ error: String(error) }, 'a listener to the registry failed')
      }
    }
  }
}
