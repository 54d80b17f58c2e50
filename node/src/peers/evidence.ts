import type { SignedHead, SignedReceipt } from '@dred/protocol/relay'
import type { Log } from '../log.ts'

/** What servers signed that speaks for or against somebody. */
export class Evidence {
  /** The last receipt of each peer. */
  readonly receipts = new Map<number, SignedReceipt>()
  readonly #log: Log | undefined
  readonly #accused = new Set<number>()

  constructor(log: Log | undefined) {
    this.#log = log
  }

  receipt(receipt: SignedReceipt): void {
    this.receipts.set(receipt.server, receipt)
  }

  /** Two histories of one server: with what is logged here, once for each server, anybody can have it slashed. */
  fork(first: SignedHead, second: SignedHead): void {
    if (this.#accused.has(first.server)) return
    this.#accused.add(first.server)
    this.#log?.error({ first: readable(first), second: readable(second) }, 'a server signed two histories')
  }
}

function readable({ server, incarnation, n, head, signature }: SignedHead): object {
  const hex = (bytes: Uint8Array) => `0x${Buffer.from(bytes).toString('hex')}`
  return { server, incarnation, n, head: hex(head), signature: hex(signature) }
}
