import { setTimeout as delay } from 'node:timers/promises'
import type { Hex } from 'viem'
import { ApiProblem } from './problems.ts'

export type BlockReference = { number: number; hash: Hex }

/** Where the database stands, read in one statement. */
export type Mark = {
  /** Whether the backfill of finalized blocks is complete. */
  backfilled: boolean
  /** Number of the last block that is written completely. */
  committed: number
  /** The block whose data is written or being written. Null before the tip was first reached. */
  head: BlockReference | null
  /** Hash of the start block of the chain that was indexed. */
  startHash: Hex
}

export type Snapshot<T> = { value: T; block: BlockReference; startHash: Hex }

const ATTEMPTS = 100
const RETRY_DELAY_MS = 10

/**
 * Runs `read` so that all it reads belongs to one block, and says which.
 *
 * PGlite has no transactions under Ponder: the rows of a block appear one table after the other. But the head is always written
 * first and the checkpoint last. So if the head equals the checkpoint, and is the same before and after `read`, then nothing was
 * being written in between (PostgreSQL, where a block appears at once, keeps the same rule).
 *
 * @throws {ApiProblem} `indexer_starting` when the tip is not reached yet, or no quiet moment was found within a second
 */
export async function readSnapshot<T>(readMark: () => Promise<Mark | null>, read: () => Promise<T>): Promise<Snapshot<T>> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const before = await readMark()
    if (before === null || !before.backfilled || before.head === null) throw new ApiProblem('indexer_starting')
    if (isComplete(before)) {
      const value = await read()
      const after = await readMark()
      if (after !== null && isComplete(after) && after.head?.hash === before.head.hash) {
        return { value, block: before.head, startHash: before.startHash }
      }
    }
    await delay(RETRY_DELAY_MS)
  }
  throw new ApiProblem('indexer_starting', 'The indexer is catching up with the chain')
}

const isComplete = ({ head, committed }: Mark) => head?.number === committed
