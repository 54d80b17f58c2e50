import { createPublicClient, type Hex, http, type PublicClient, webSocket } from 'viem'

/** Asks the chain directly, past Ponder's request cache: that cache survives a reset of the chain. */
export function createChainReader(rpcUrl: string): ChainReader {
  const options = { timeout: 5_000, retryCount: 1, retryDelay: 100 }
  const transport = /^wss?:/.test(rpcUrl) ? webSocket(rpcUrl, options) : http(rpcUrl, { ...options, batch: true })
  // Type-annotated: viem's inferred client type is too deep for declaration files.
  const client: PublicClient = createPublicClient({ transport })
  return {
    async blockHash(number) {
      const block = await client.request({ method: 'eth_getBlockByNumber', params: [`0x${number.toString(16)}`, false] })
      return block?.hash ?? null
    },
    blockNumber: async () => Number(await client.getBlockNumber({ cacheTime: 0 })),
    chainId: () => client.getChainId(),
  }
}

/** Every method rejects when the RPC endpoint does not answer. */
export interface ChainReader {
  /** Hash of the canonical block of that number; null when the chain has none. */
  blockHash: (number: number) => Promise<Hex | null>
  /** Number of the newest block. */
  blockNumber: () => Promise<number>
  chainId: () => Promise<number>
}
