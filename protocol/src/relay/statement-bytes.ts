import { latencyRowItems, receiptItems } from './codec/statement-codec.ts'
import { encodeItem, type Item } from './codec/writer.ts'
import type { LatencyRow, Receipt } from './relay-statements.ts'

/** Where a statement counts. */
export interface StatementContext {
  chainId: number
  /** Lowercase address. */
  serverRegistry: string
  neighborhood: string
}

/**
 * The bytes that a server signs about its round trips (P-256, SHA-256): a CBOR array, which begins with a byte that no EIP-712
 * statement begins with. Heads are signed as the `RelayHead` of `@dred/protocol/statements`.
 */
export function latencyRowBytes(context: StatementContext, row: LatencyRow): Uint8Array<ArrayBuffer> {
  return statementBytes('dred latency row 1', context, latencyRowItems(row))
}

/** The bytes that a server signs about what another one sent it; see {@link latencyRowBytes}. */
export function relayReceiptBytes(context: StatementContext, receipt: Receipt): Uint8Array<ArrayBuffer> {
  return statementBytes('dred relay receipt 1', context, receiptItems(receipt))
}

function statementBytes(
  name: string,
  { chainId, serverRegistry, neighborhood }: StatementContext,
  items: readonly Item[],
): Uint8Array<ArrayBuffer> {
  return encodeItem([name, chainId, serverRegistry, neighborhood, ...items])
}
