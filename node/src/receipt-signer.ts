import { encodeBase64url, receiptBytes, type Receipt, receiptTree, type StoredEvent } from '@dred/protocol'
import type { RegistryView } from './chain/port.ts'
import type { ServerKey } from './chain/server-key.ts'

type Common = 'v' | 'type' | 'chainId' | 'serverRegistry' | 'signedAt' | 'signature'

export interface ReceiptSignerOptions {
  registry: Pick<RegistryView, 'chainId' | 'serverRegistry'>
  key: Pick<ServerKey, 'sign'>
  /** Unix milliseconds. */
  now: () => number
}

interface Waiting {
  receipt: Omit<Receipt, 'path' | 'signature'>
  resolve: (receipt: Receipt) => void
  reject: (error: unknown) => void
}

/** Receipts that share a signature at most: their paths have ten hashes then. */
const TOGETHER = 1_024

/** Says with the server's key what is stored. */
export class ReceiptSigner {
  readonly #options: ReceiptSignerOptions
  readonly #waiting: Waiting[] = []
  #signing = false

  constructor(options: ReceiptSignerOptions) {
    this.#options = options
  }

  /** Receipts that are asked for in one turn, or while a signature is being made, share the next one. */
  receipt(fields: Omit<Receipt, Common | 'path'>): Promise<Receipt> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ receipt: { type: 'receipt', ...this.#common(), ...fields }, resolve, reject })
      if (this.#signing) return
      this.#signing = true
      // What is due to readers by now goes first.
      process.nextTick(() => void this.#signAll())
    })
  }

  async stored(fields: Omit<StoredEvent, Common>): Promise<StoredEvent> {
    const statement = { type: 'stored' as const, ...this.#common(), ...fields }
    return { ...statement, signature: await this.#sign(receiptBytes(statement)) }
  }

  async #signAll(): Promise<void> {
    while (this.#waiting.length > 0) await this.#signSome(this.#waiting.splice(0, TOGETHER))
    this.#signing = false
  }

  async #signSome(batch: readonly Waiting[]): Promise<void> {
    try {
      const { bytes, paths } = receiptTree(batch.map(({ receipt }) => receipt))
      const signature = await this.#sign(bytes)
      for (const [i, { receipt, resolve }] of batch.entries()) {
        const path = paths[i] ?? []
        resolve({ ...receipt, ...(path.length === 0 ? {} : { path }), signature })
      }
    } catch (error) {
      for (const { reject } of batch) reject(error)
    }
  }

  #common() {
    const { registry, now } = this.#options
    return { v: 1 as const, chainId: registry.chainId, serverRegistry: registry.serverRegistry.toLowerCase(), signedAt: now() }
  }

  async #sign(bytes: Uint8Array): Promise<string> {
    return encodeBase64url(await this.#options.key.sign(bytes))
  }
}
