import { encodeBase64url, receiptBytes, type Receipt, type StoredEvent } from '@dred/protocol'
import type { RegistryView } from './chain/port.ts'
import type { ServerKey } from './chain/server-key.ts'

type Common = 'v' | 'type' | 'chainId' | 'serverRegistry' | 'signedAt' | 'signature'

export interface ReceiptSignerOptions {
  registry: Pick<RegistryView, 'chainId' | 'serverRegistry'>
  key: Pick<ServerKey, 'sign'>
  /** Unix milliseconds. */
  now: () => number
}

/** Says with the server's key what is stored. */
export class ReceiptSigner {
  readonly #options: ReceiptSignerOptions

  constructor(options: ReceiptSignerOptions) {
    this.#options = options
  }

  receipt(fields: Omit<Receipt, Common>): Promise<Receipt> {
    return this.#sign({ type: 'receipt', ...this.#common(), ...fields })
  }

  stored(fields: Omit<StoredEvent, Common>): Promise<StoredEvent> {
    return this.#sign({ type: 'stored', ...this.#common(), ...fields })
  }

  #common() {
    const { registry, now } = this.#options
    return { v: 1 as const, chainId: registry.chainId, serverRegistry: registry.serverRegistry.toLowerCase(), signedAt: now() }
  }

  async #sign<T extends Parameters<typeof receiptBytes>[0]>(statement: T): Promise<T & { signature: string }> {
    return { ...statement, signature: encodeBase64url(await this.#options.key.sign(receiptBytes(statement))) }
  }
}
