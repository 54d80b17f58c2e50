import { type Receipt, type ServerPublicKey, type StoredEvent, verifyReceipt } from '@dred/protocol'
import type { Clock } from './clock.ts'
import type { Discovery } from './discovery.ts'

/** Discovery is asked about the keys of one server this often at most. Milliseconds. */
const ASK_EVERY_MS = 30_000

/** Judges what servers sign, by the keys that discovery tells. */
export class ServerKeys {
  readonly #discovery: Discovery
  readonly #clock: Clock
  /** Of servers that signed with another key than was known: what discovery answered, and when. */
  readonly #asked = new Map<number, { at: number; keys: readonly ServerPublicKey[] }>()

  constructor(discovery: Discovery, clock: Clock) {
    this.#discovery = discovery
    this.#clock = clock
  }

  /** Whether a server signed it. Keys that cannot be had count as none. @throws DredClientError when `signal` aborts */
  async verify(statement: Receipt | StoredEvent, server: number, signal: AbortSignal): Promise<boolean> {
    const asked = this.#asked.get(server)
    if (await signedByOne(statement, [...(await this.#discovery.listedKeys(server)), ...(asked?.keys ?? [])])) return true
    const at = this.#clock.now()
    if (asked && at - asked.at < ASK_EVERY_MS) return false
    const keys = await this.#discovery.keys(server, signal).catch((error: unknown) => {
      if (signal.aborted) throw error
      return []
    })
    this.#asked.set(server, { at, keys })
    return signedByOne(statement, keys)
  }
}

async function signedByOne(statement: Receipt | StoredEvent, keys: readonly ServerPublicKey[]): Promise<boolean> {
  for (const key of keys) if (await verifyReceipt(statement, key)) return true
  return false
}
