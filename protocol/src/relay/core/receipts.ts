import { type Origin, parseOrigin } from '../../version-vector.ts'
import type { Receipt, SignedReceipt } from '../relay-statements.ts'
import type { Peer } from './peer.ts'
import type { Relay } from './relay.ts'
import { Timer } from './timers.ts'

const MAX_ITEMS = 256

/** Signed receipts for those who were the first to send a message: they prove storage and relaying. */
export class Receipts {
  readonly #relay: Relay
  readonly #counts = new Map<number, Map<Origin, number>>()
  readonly #due = new Timer(() => this.#sign())

  constructor(relay: Relay) {
    this.#relay = relay
  }

  /** A message that this server stored came first from a peer. */
  stored(sender: number, origin: Origin): void {
    const counts = this.#counts.get(sender) ?? new Map<Origin, number>()
    this.#counts.set(sender, counts)
    if (counts.has(origin) || counts.size < MAX_ITEMS) counts.set(origin, (counts.get(origin) ?? 0) + 1)
    const { timers, now, timings } = this.#relay
    timers.by(this.#due, now.monotonicMs + timings.receiptMs)
  }

  signed(receipt: Receipt, signature: Uint8Array): void {
    const peer = this.#relay.peers.get(receipt.sender)
    if (peer) this.#relay.send(peer, { type: 'RECEIPT', receipt, signature })
  }

  heard(peer: Peer, receipt: Receipt, signature: Uint8Array): void {
    if (receipt.server !== peer.id || receipt.sender !== this.#relay.self) return
    this.#relay.check(peer, { kind: 'receipt', receipt }, signature)
  }

  checked(receipt: SignedReceipt): void {
    this.#relay.emit({ type: 'receipt', receipt })
  }

  #sign(): void {
    const { self, now, vector } = this.#relay
    for (const [sender, counts] of this.#counts) {
      const items = [...counts].map(([origin, count]) => ({ ...parseOrigin(origin), upTo: vector.watermark(origin), count }))
      this.#relay.emit({ type: 'sign', statement: { kind: 'receipt', receipt: { server: self, sender, clock: now.unixMs, items } } })
    }
    this.#counts.clear()
  }
}
