import { type Address, createPublicClient, type Hex, http, numberToHex, type PublicClient, webSocket } from 'viem'

const OPTIONS = { timeout: 5_000, retryCount: 1, retryDelay: 100 } as const

/** What the chain says now. Every method rejects when the RPC endpoint does not answer. */
export interface ChainReader {
  /** Hash of the canonical block of that number; null when the chain has none. */
  blockHash: (number: number) => Promise<Hex | null>
  /** Number of the newest block. */
  blockNumber: () => Promise<number>
  chainId: () => Promise<number>
  /** Whether there is a contract at the address. */
  hasCode: (address: Address) => Promise<boolean>
  /** Drops the connection, if one is kept; the next call makes another. */
  close: () => Promise<void>
}

/** Runs `use` with a client whose connection is believed to work. */
type Connection = { with: <T>(use: (client: PublicClient) => Promise<T>) => Promise<T>; close: () => Promise<void> }

/** Asks the chain directly, past Ponder's request cache: that cache survives a reset of the chain. */
export function createChainReader(rpcUrl: string): ChainReader {
  const connection = /^wss?:/.test(rpcUrl) ? overWebSocket(rpcUrl) : overHttp(rpcUrl)
  return {
    blockHash: (number) =>
      connection.with(async (client) => {
        const block = await client.request({ method: 'eth_getBlockByNumber', params: [numberToHex(number), false] })
        return block?.hash ?? null
      }),
    blockNumber: () => connection.with(async (client) => Number(await client.getBlockNumber({ cacheTime: 0 }))),
    chainId: () => connection.with((client) => client.getChainId()),
    hasCode: (address) => connection.with(async (client) => (await client.getCode({ address })) !== undefined),
    close: connection.close,
  }
}

function overHttp(url: string): Connection {
  const client = createPublicClient({ transport: http(url, { ...OPTIONS, batch: true }) })
  return { with: (use) => use(client), close: async () => undefined }
}

function overWebSocket(url: string): Connection {
  const connect = () => createPublicClient({ transport: webSocket(url, { ...OPTIONS, reconnect: false }) })
  let client: ReturnType<typeof connect> | undefined
  async function close() {
    const closing = client
    client = undefined
    // Rejects when there was no connection to begin with.
    await closing?.transport.getRpcClient().then(
      (socket) => socket.close(),
      () => undefined,
    )
  }
  return {
    async with(use) {
      client ??= connect()
      try {
        return await use(client)
      } catch (error) {
        // The next call connects anew. viem's own attempts go on in the background, and end for ever after the fifth.
        await close()
        throw error
      }
    },
    close,
  }
}
