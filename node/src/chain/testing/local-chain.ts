import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import {
  devTokenAbi,
  devTokenBytecode,
  neighborhoodRegistryAbi,
  neighborhoodRegistryBytecode,
  serverRegistryAbi,
  serverRegistryBytecode,
} from '@dred/contracts'
import { serverKeyStatement, signatureWords } from '@dred/protocol/statements'
import { createHardhatRuntimeEnvironment } from 'hardhat/hre'
import { type Address, createTestClient, type Hex, http, keccak256, publicActions, stringToBytes, walletActions } from 'viem'
import { mnemonicToAccount } from 'viem/accounts'
import { hardhat } from 'viem/chains'
import type { ServerKey } from '../server-key.ts'

const MNEMONIC = 'test test test test test test test test test test test junk'
const DAY = 86_400
const STAKE = 10n ** 21n

export interface Registries {
  token: Address
  neighborhoodRegistry: Address
  serverRegistry: Address
}

/** A real chain in this process, for tests. One block for each transaction. */
export class LocalChain {
  readonly rpcUrl: string
  readonly port: number
  /** Who sends every transaction, lowercase. */
  readonly operator: string
  readonly #client
  readonly #close: () => Promise<void>

  private constructor(port: number, close: () => Promise<void>) {
    this.rpcUrl = `http://127.0.0.1:${port}`
    this.port = port
    this.#close = close
    const account = mnemonicToAccount(MNEMONIC)
    this.operator = account.address.toLowerCase()
    this.#client = createTestClient({ mode: 'hardhat', account, chain: hardhat, transport: http(this.rpcUrl), pollingInterval: 20 })
      .extend(publicActions)
      .extend(walletActions)
  }

  /** @param port 0 for any */
  static async start(port = 0): Promise<LocalChain> {
    const chain = {
      type: 'edr-simulated',
      chainType: 'l1',
      chainId: hardhat.id,
      hardfork: 'osaka',
      accounts: { mnemonic: MNEMONIC, count: 2 },
    } as const
    const hre = await createHardhatRuntimeEnvironment({ networks: { chain } }, {}, dirname(fileURLToPath(import.meta.url)))
    const server = await hre.network.createServer('chain', '127.0.0.1', port)
    const address = await server.listen()
    return new LocalChain(address.port, () => server.close())
  }

  close(): Promise<void> {
    return this.#close()
  }

  async deploy(): Promise<Registries> {
    const token = await this.#deployed(this.#client.deployContract({ abi: devTokenAbi, bytecode: devTokenBytecode }))
    const neighborhoodRegistry = await this.#deployed(
      this.#client.deployContract({ abi: neighborhoodRegistryAbi, bytecode: neighborhoodRegistryBytecode }),
    )
    const serverRegistry = await this.#deployed(
      this.#client.deployContract({ abi: serverRegistryAbi, bytecode: serverRegistryBytecode, args: [neighborhoodRegistry] }),
    )
    return { token, neighborhoodRegistry, serverRegistry }
  }

  async createNeighborhood({ neighborhoodRegistry, token }: Registries): Promise<void> {
    const parameters = {
      stakeToken: token,
      minStake: STAKE,
      unbondingSeconds: DAY,
      maxServers: 8,
      redundancy: 2,
      maxChannelLifetimeSeconds: 7 * DAY,
      maxChannelIdleSeconds: DAY,
      maxMessageBytes: 65_536,
    }
    await this.#mined(
      this.#client.writeContract({
        address: neighborhoodRegistry,
        abi: neighborhoodRegistryAbi,
        functionName: 'create',
        args: ['Poker', 'https://poker.example/', keccak256(stringToBytes('content')), parameters],
      }),
    )
  }

  async register(registries: Registries, key: ServerKey, server: { neighborhood: number; endpoint: string }): Promise<void> {
    const { token, serverRegistry } = registries
    const { keyX, keyY } = key
    const operator = this.#client.account.address
    const deadline = (await this.#client.getBlock()).timestamp + 3_600n
    const statement = serverKeyStatement({ chainId: hardhat.id, serverRegistry }, { ...server, operator, keyX, keyY, deadline })
    const { r, s } = signatureWords(await key.sign(statement))
    await this.#mined(this.#client.writeContract({ address: token, abi: devTokenAbi, functionName: 'mint', args: [operator, STAKE] }))
    await this.#mined(
      this.#client.writeContract({ address: token, abi: devTokenAbi, functionName: 'approve', args: [serverRegistry, STAKE] }),
    )
    const registration = { ...server, stake: STAKE, payout: operator, keyX, keyY, did: 'did:web:operator.example', deadline, r, s }
    await this.#mined(
      this.#client.writeContract({ address: serverRegistry, abi: serverRegistryAbi, functionName: 'register', args: [registration] }),
    )
  }

  async setEndpoint({ serverRegistry }: Registries, id: number, endpoint: string): Promise<void> {
    const call = { address: serverRegistry, abi: serverRegistryAbi, functionName: 'setEndpoint', args: [id, endpoint] } as const
    await this.#mined(this.#client.writeContract(call))
  }

  async requestExit({ serverRegistry }: Registries, id: number): Promise<void> {
    await this.#mined(
      this.#client.writeContract({ address: serverRegistry, abi: serverRegistryAbi, functionName: 'requestExit', args: [id] }),
    )
  }

  async blockNumber(): Promise<number> {
    return Number(await this.#client.getBlockNumber({ cacheTime: 0 }))
  }

  async mine(blocks: number): Promise<void> {
    await this.#client.mine({ blocks })
  }

  /** @returns the way back to the chain as it is now */
  async snapshot(): Promise<() => Promise<void>> {
    const id = await this.#client.snapshot()
    return () => this.#client.revert({ id })
  }

  async #mined(transaction: Promise<Hex>) {
    return this.#client.waitForTransactionReceipt({ hash: await transaction })
  }

  async #deployed(transaction: Promise<Hex>): Promise<Address> {
    const { contractAddress } = await this.#mined(transaction)
    if (!contractAddress) throw new Error('The transaction deployed nothing')
    return contractAddress
  }
}
