import { neighborhoodRegistryAbi } from '@dred/contracts'
import {
  type Address,
  BaseError,
  type Block,
  ContractFunctionRevertedError,
  createPublicClient,
  http,
  type PublicClient,
  RpcRequestError,
} from 'viem'
import { ChainError } from './chain-error.ts'
import type { RegisteredServer, RegistryView } from './port.ts'
import { applyRegistryLog, type LogRange, readRegistryLogs, wereParametersApplied } from './registry-events.ts'

export interface RegistryLocation {
  /** JSON-RPC over HTTP; may hold a secret, so it is never shown. */
  rpcUrl: string
  chainId: number
  serverRegistry: Address
  neighborhoodRegistry: Address
  /** Block before which no event of the registries happened. */
  startBlock: number
  /** Decimal id. */
  neighborhood: string
}

interface Head {
  number: bigint
  hash: string
  /** Unix seconds. */
  timestamp: number
}

/** What was read, up to a block. */
export interface Reading {
  block: Head
  servers: Map<number, RegisteredServer>
  parameters: RegistryView['parameters']
}

/** Blocks per eth_getLogs call to begin with; halved for providers that allow fewer. */
const CHUNK_BLOCKS = 2_000n
const TIMEOUT_MS = 5_000

/** Reads one neighborhood from the chain. Stateless but for what the provider was found to allow. */
export class RegistryReader {
  readonly #location: RegistryLocation
  readonly #client: PublicClient
  readonly #abort = new AbortController()
  #chunkBlocks = CHUNK_BLOCKS

  constructor(location: RegistryLocation) {
    this.#location = location
    const transport = http(location.rpcUrl, { retryCount: 0, timeout: TIMEOUT_MS, fetchOptions: { signal: this.#abort.signal } })
    this.#client = createPublicClient({ transport })
  }

  /**
   * Reads everything from the start.
   * @throws ChainError
   */
  async readAll(): Promise<Reading> {
    return this.#typed(async () => {
      await this.#checkChain()
      const [head, parameters] = await Promise.all([this.#head(), this.#parameters()])
      const servers = new Map<number, RegisteredServer>()
      await this.#inChunks(BigInt(this.#location.startBlock), head.number, (range) => this.#follow(servers, range))
      return { block: head, servers, parameters }
    })
  }

  /**
   * Goes on from an earlier reading.
   * @returns the same one when there is no new block; undefined when the chain is no longer the one that was read
   * @throws ChainError `unreachable`
   */
  async readOn(reading: Reading): Promise<Reading | undefined> {
    return this.#typed(async () => {
      const { number, hash } = reading.block
      const head = await this.#head()
      if (head.number < number) return undefined
      const then = head.number === number ? head : await this.#block(number)
      if (then?.hash !== hash) return undefined
      if (head.number === number) return reading
      const servers = new Map(reading.servers)
      let applied = false
      await this.#inChunks(number + 1n, head.number, async (range) => {
        applied ||= await wereParametersApplied(this.#client, range)
        await this.#follow(servers, range)
      })
      return { block: head, servers, parameters: applied ? await this.#parameters() : reading.parameters }
    })
  }

  /** Ends calls under way. */
  close(): void {
    this.#abort.abort()
  }

  async #checkChain(): Promise<void> {
    const { chainId, serverRegistry, neighborhoodRegistry } = this.#location
    const actual = await this.#client.getChainId()
    if (actual !== chainId)
      throw new ChainError('wrong_chain', `The RPC endpoint serves chain ${actual}, not ${chainId}: check the chain settings`)
    for (const address of [serverRegistry, neighborhoodRegistry]) {
      if ((await this.#client.getCode({ address })) === undefined)
        throw new ChainError('no_contract', `There is no contract at ${address} on chain ${chainId}: check the registry addresses`)
    }
  }

  async #head(): Promise<Head> {
    const { number, hash, timestamp } = await this.#client.getBlock({ blockTag: 'latest' })
    return { number, hash, timestamp: Number(timestamp) }
  }

  async #block(blockNumber: bigint): Promise<Block | undefined> {
    try {
      return await this.#client.getBlock({ blockNumber })
    } catch (error) {
      if (error instanceof Error && error.name === 'BlockNotFoundError') return undefined
      throw error
    }
  }

  async #parameters(): Promise<RegistryView['parameters']> {
    const { neighborhoodRegistry: address, neighborhood } = this.#location
    try {
      const parameters = await this.#client.readContract({
        address,
        abi: neighborhoodRegistryAbi,
        functionName: 'parametersOf',
        args: [Number(neighborhood)],
      })
      return {
        maxChannelLifetimeMs: parameters.maxChannelLifetimeSeconds * 1_000,
        maxChannelIdleMs: parameters.maxChannelIdleSeconds * 1_000,
        maxMessageBytes: parameters.maxMessageBytes,
      }
    } catch (error) {
      const reverted = error instanceof BaseError && error.walk((cause) => cause instanceof ContractFunctionRevertedError) !== null
      if (!reverted) throw error
      throw new ChainError('unknown_neighborhood', `Neighborhood ${neighborhood} is not in the registry: check its id`, error)
    }
  }

  async #follow(servers: Map<number, RegisteredServer>, range: LogRange): Promise<void> {
    for (const log of await readRegistryLogs(this.#client, range)) applyRegistryLog(servers, log)
  }

  /** Reads a range of blocks in pieces that the provider allows. */
  async #inChunks(from: bigint, to: bigint, read: (range: LogRange) => Promise<void>): Promise<void> {
    const { serverRegistry, neighborhoodRegistry, neighborhood } = this.#location
    for (let at = from; at <= to; ) {
      const last = at + this.#chunkBlocks - 1n < to ? at + this.#chunkBlocks - 1n : to
      try {
        await read({ serverRegistry, neighborhoodRegistry, neighborhood: Number(neighborhood), from: at, to: last })
        at = last + 1n
      } catch (error) {
        if (!isRefusal(error) || this.#chunkBlocks === 1n) throw error
        this.#chunkBlocks /= 2n
      }
    }
  }

  async #typed<T>(read: () => Promise<T>): Promise<T> {
    try {
      return await read()
    } catch (error) {
      if (!(error instanceof BaseError)) throw error
      // Without the cause, which names the endpoint and may so tell an access token.
      throw new ChainError('unreachable', `The chain cannot be read (${error.shortMessage}): check that its RPC endpoint answers`)
    }
  }
}

/** Whether the provider answered with an error of its own: it may allow a smaller range. */
function isRefusal(error: unknown): boolean {
  return error instanceof BaseError && error.walk((cause) => cause instanceof RpcRequestError) !== null
}
