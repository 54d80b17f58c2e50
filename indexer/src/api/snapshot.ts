import { setTimeout as delay } from 'node:timers/promises'
import type { Hex } from 'viem'
import { ApiProblem } from './problems.ts'

export type BlockReference = { number: number; hash: Hex }

/** `timestamp` in Unix seconds. */
export type Block = BlockReference & { timestamp: number }

/** The time of a reading, which decides which attestations hold. In Unix seconds. */
export type Moment = {
  at: number
  /**
   * The latest `validUntil` of an active server that has passed, null if none has. While a block stands, this tells whether another
   * server has lapsed since.
   */
  lastExpiry: number | null
}

/** Where the database stands. */
export type Mark = Moment & {
  /** Whether the backfill of finalized blocks is complete. */
  backfilled: boolean
  /** Number of the last block that is written completely. */
  committed: number
  /** The block whose data is written or being written. Null before the tip was first reached. */
  head: Block | null
  /** Hash of the start block of the chain that was indexed. */
  startHash: Hex
}

/** Rows that all belong to one block and one moment. */
export type Snapshot<Row> = Moment & { rows: Row[]; block: Block; startHash: Hex }

const ATTEMPTS = 100
const RETRY_DELAY_MS = 10

/**
 * Gives rows that all belong to one block, and says which.
 *
 * PGlite has no transactions under Ponder: a block appears one table after the other, and a reader may come in between. But the head
 * is always written first and the checkpoint last. So where one statement finds both at the same block, nothing was being written.
 * (On PostgreSQL a block appears at once, and the first attempt succeeds.)
 *
 * @param read one SQL statement that gives both; without a mark, Ponder has not made its tables yet
 * @throws {ApiProblem} `indexer_starting` when the tip is not reached yet, or no quiet moment was found within a second
 */
export async function readSnapshot<Row>(read: () => Promise<{ mark: Mark | null; rows: Row[] }>): Promise<Snapshot<Row>> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const { mark, rows } = await read()
    if (mark === null || !mark.backfilled || mark.head === null) throw new ApiProblem('indexer_starting')
    const { head: block, startHash, at, lastExpiry } = mark
    if (block.number === mark.committed) return { rows, block, startHash, at, lastExpiry }
    await delay(RETRY_DELAY_MS)
  }
  throw new ApiProblem('indexer_starting', 'The indexer is catching up with the chain')
}
