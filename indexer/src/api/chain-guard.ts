import type { Hex } from 'viem'
import { ApiProblem } from './problems.ts'
import type { BlockReference } from './snapshot.ts'

export type ChainGuardOptions = {
  startBlock: number
  /** Canonical block hash at the RPC endpoint, null for none; rejects when the endpoint does not answer. */
  blockHash: (number: number) => Promise<Hex | null>
  /** Milliseconds, monotonic. */
  now: () => number
  policy: ChainPolicy
}

export type ChainPolicy = {
  /** How long, in milliseconds, a check that succeeded counts for later requests. 0: every request checks. */
  checkEveryMs: number
  /** How long, in milliseconds, the tip of the data may differ from the chain's: the time that a reorganization takes to index. */
  reorgGraceMs: number
  /** How long, in milliseconds, data is served while the RPC endpoint does not answer. */
  outageGraceMs: number
}

/** A local chain is reset under the indexer at any moment: nothing is served that was not compared with the chain just now. */
export const localPolicy: ChainPolicy = { checkEveryMs: 0, reorgGraceMs: 0, outageGraceMs: 0 }

/** A public chain's past does not change, while RPC providers lag, fail and serve reorganizations before we index them. */
export const publicPolicy: ChainPolicy = { checkEveryMs: 10_000, reorgGraceMs: 60_000, outageGraceMs: 300_000 }

export interface ChainGuard {
  /**
   * Resolves if data at `block`, indexed from the chain whose start block has `startHash`, is data of the chain that is there now.
   * @throws {ApiProblem} `stale_chain` or `chain_unreachable`
   */
  verify(data: { block: BlockReference; startHash: Hex }): Promise<void>
}

export function createChainGuard(options: ChainGuardOptions): ChainGuard {
  const { startBlock, blockHash, now, policy } = options
  const never = Number.NEGATIVE_INFINITY
  let verifiedAt = never
  let answeredAt = never
  let mismatchedSince: number | undefined

  return {
    async verify({ block, startHash }) {
      const askedAt = now()
      if (askedAt - verifiedAt < policy.checkEveryMs) return
      let hashes: [Hex | null, Hex | null]
      try {
        hashes = await Promise.all([blockHash(startBlock), blockHash(block.number)])
      } catch (cause) {
        if (askedAt - answeredAt < policy.outageGraceMs) return
        throw new ApiProblem('chain_unreachable', undefined, { cause })
      }
      const [start, tip] = hashes
      if (start !== startHash) {
        verifiedAt = never
        answeredAt = never
        throw new ApiProblem('stale_chain', `Block ${startBlock}, where the registries start, is another one`)
      }
      if (tip === block.hash) {
        verifiedAt = askedAt
        mismatchedSince = undefined
      } else {
        // A mismatch long ago says nothing about this one: nobody asked in between.
        if (mismatchedSince === undefined || askedAt - answeredAt > policy.reorgGraceMs) mismatchedSince = askedAt
        if (askedAt - mismatchedSince >= policy.reorgGraceMs) {
          throw new ApiProblem('stale_chain', `Block ${block.number}, where the data stands, is another one or not there`)
        }
      }
      answeredAt = askedAt
    },
  }
}
