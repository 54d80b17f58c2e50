import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createHardhatRuntimeEnvironment } from 'hardhat/hre'
import {
  type Account,
  type Address,
  type Chain as ViemChain,
  createTestClient,
  createWalletClient,
  type Hex,
  http,
  type HttpTransport,
  keccak256,
  maxUint256,
  parseEventLogs,
  type PublicActions,
  publicActions,
  stringToBytes,
  type TransactionReceipt,
  type WalletClient,
  zeroAddress,
  zeroHash,
} from 'viem'
import { mnemonicToAccount } from 'viem/accounts'
import { hardhat } from 'viem/chains'
import {
  complianceRegistryAbi,
  devTokenAbi,
  devTokenBytecode,
  neighborhoodRegistryAbi,
  neighborhoodRegistryBytecode,
  serverRegistryAbi,
  serverRegistryBytecode,
} from '../../abi/index.ts'
import { createKey, type Finding, preimageOf, type ServerKey, signLowS } from './statements.ts'

const MNEMONIC = 'test test test test test test test test test test test junk'
/** Starting a chain takes a second alone and far longer beside other tests. */
export const START_TIMEOUT_MS = 60_000
export const DAY = 86_400
export const STAKE = 10n ** 21n

export type Wallet = WalletClient<HttpTransport, ViemChain, Account> & PublicActions
export type Attestation = { mode: 'appointed' | 'peers'; attesters: readonly ServerKey[] }
/** A simulated chain of its own, with accounts that have ether. */
export async function startChain(hardfork: string, accounts: number) {
  const network = {
    type: 'edr-simulated',
    chainType: 'l1',
    chainId: hardhat.id,
    hardfork,
    accounts: { mnemonic: MNEMONIC, count: accounts },
  } as const
  const project = dirname(dirname(dirname(dirname(fileURLToPath(import.meta.url)))))
  const hre = await createHardhatRuntimeEnvironment({ networks: { chain: network } }, {}, project)
  const server = await hre.network.createServer('chain', '127.0.0.1', 0)
  const { address, port } = await server.listen()
  const transport = http(`http://${address}:${port}`)
  const clock = createTestClient({ mode: 'hardhat', chain: hardhat, transport })
  const walletOf = (addressIndex: number): Wallet =>
    createWalletClient({ account: mnemonicToAccount(MNEMONIC, { addressIndex }), chain: hardhat, transport, pollingInterval: 50 }).extend(
      publicActions,
    )
  return {
    walletOf,
    /** Lets so many seconds pass. */
    async wait(seconds: number): Promise<void> {
      await clock.increaseTime({ seconds })
      await clock.mine({ blocks: 1 })
    },
    close: () => server.close(),
  }
}

export type Chain = Awaited<ReturnType<typeof startChain>>
export type Registries = Awaited<ReturnType<typeof deploy>>

/** Deploys a token and the registries in their order, and reads where the registry of attestations came to be. */
export async function deploy(deployer: Wallet) {
  const deployed = async (hash: Promise<Hex>): Promise<Address> => {
    const { contractAddress } = await receiptOf(deployer, hash)
    if (!contractAddress) throw new Error('not a deployment')
    return contractAddress
  }
  const token = await deployed(deployer.deployContract({ abi: devTokenAbi, bytecode: devTokenBytecode }))
  const neighborhoods = await deployed(
    deployer.deployContract({ abi: neighborhoodRegistryAbi, bytecode: neighborhoodRegistryBytecode, args: [deployer.account.address] }),
  )
  const servers = await deployed(
    deployer.deployContract({ abi: serverRegistryAbi, bytecode: serverRegistryBytecode, args: [neighborhoods] }),
  )
  const compliance = await deployer.readContract({ address: servers, abi: serverRegistryAbi, functionName: 'complianceRegistry' })
  return {
    token: { address: token, abi: devTokenAbi },
    neighborhoods: { address: neighborhoods, abi: neighborhoodRegistryAbi },
    servers: { address: servers, abi: serverRegistryAbi },
    compliance: { address: compliance, abi: complianceRegistryAbi },
  } as const
}

/** Waits for a transaction; fails if it reverted. */
export async function receiptOf(wallet: Wallet, hash: Promise<Hex>): Promise<TransactionReceipt> {
  const receipt = await wallet.waitForTransactionReceipt({ hash: await hash })
  if (receipt.status !== 'success') throw new Error('the transaction reverted')
  return receipt
}

/** Creates a neighborhood whose quorum is two thirds. The accounts of its attesters are 1, 2, 3 and so on. */
export function createNeighborhood(owner: Wallet, registries: Registries, { mode, attesters }: Attestation): Promise<Hex> {
  const parameters = {
    stakeToken: registries.token.address,
    minStake: STAKE,
    unbondingSeconds: DAY,
    keyOverlapSeconds: DAY,
    attestationSeconds: 30 * DAY,
    maxChannelLifetimeSeconds: 7 * DAY,
    maxChannelIdleSeconds: DAY,
    maxMessageBytes: 65_536,
    maxServers: 64,
    redundancy: 2,
    slashPercent: 50,
    quorumNumerator: 2,
    quorumDenominator: 3,
    attestation: mode === 'appointed' ? 0 : 1,
  }
  const neighborhood = {
    name: 'Poker',
    uri: 'https://poker.example/',
    contentHash: keccak256(stringToBytes('content')),
    parameters,
    admission: { mode: 0, gateToken: zeroAddress, gateBalance: 0n },
    guardian: zeroAddress,
    attesters: attesters.map(({ keyId }, i) => ({ account: `0x${(i + 1).toString(16).padStart(40, '0')}` as const, keyId })),
  }
  return owner.writeContract({ ...registries.neighborhoods, functionName: 'create', args: [neighborhood] })
}

/** Gives the account tokens that the registry may take. */
export async function fund(wallet: Wallet, { token, servers }: Registries): Promise<void> {
  await receiptOf(wallet, wallet.writeContract({ ...token, functionName: 'mint', args: [wallet.account.address, 100n * STAKE] }))
  await receiptOf(wallet, wallet.writeContract({ ...token, functionName: 'approve', args: [servers.address, maxUint256] }))
}

/** A registration by the wallet that a fresh key signed, and what the key signed. */
export async function signedRegistration(wallet: Wallet, { servers }: Registries, at: { neighborhood: number; endpoint: string }) {
  const key = await createKey()
  const { timestamp } = await wallet.getBlock()
  const { keyX, keyY } = key
  const { neighborhood, endpoint } = at
  const operator = wallet.account.address
  const statement = { neighborhood, operator, keyX, keyY, endpointHash: keccak256(stringToBytes(endpoint)), deadline: timestamp + 3600n }
  const preimage = preimageOf({ chainId: hardhat.id, address: servers.address }, { primaryType: 'ServerKey', message: statement })
  const signature = await signLowS(key.privateKey, preimage)
  const registration = {
    neighborhood,
    stake: STAKE,
    payout: operator,
    keyX,
    keyY,
    endpoint,
    did: 'did:web:operator.example',
    deadline: statement.deadline,
    ...signature,
  }
  return { key, registration, statement, preimage }
}

/** Registers a server and gives its id and key. */
export async function register(wallet: Wallet, registries: Registries, at: { neighborhood: number; endpoint: string }) {
  const { key, registration } = await signedRegistration(wallet, registries, at)
  const receipt = await receiptOf(wallet, wallet.writeContract({ ...registries.servers, functionName: 'register', args: [registration] }))
  const [registered] = parseEventLogs({ abi: serverRegistryAbi, eventName: 'ServerRegistered', logs: receipt.logs })
  if (!registered) throw new Error('no server was registered')
  return { id: registered.args.id, key, receipt, registered: registered.args }
}

/** What attesters would agree on about the server now, for almost as long as allowed; opens a round where none is open. */
export async function findingOf(wallet: Wallet, { servers, compliance }: Registries, id: number): Promise<Finding> {
  const { neighborhood, endpointHash } = await wallet.readContract({ ...servers, functionName: 'serverOf', args: [id] })
  const { timestamp } = await wallet.getBlock()
  const roundOf = () => wallet.readContract({ ...compliance, functionName: 'roundOf', args: [neighborhood] })
  if (BigInt((await roundOf()).closesAt) <= timestamp) {
    await receiptOf(wallet, wallet.writeContract({ ...compliance, functionName: 'openRound', args: [neighborhood] }))
  }
  const { number: round } = await roundOf()
  const hashes = { endpointHash, spkiHash: keccak256('0x01'), reportHash: zeroHash }
  return { neighborhood, server: id, round, validUntil: Number(timestamp) + 29 * DAY, ...hashes }
}

/** Votes of these attesters for the finding, in the order of their numbers. */
export function votesOf({ compliance }: Registries, finding: Finding, attesters: readonly { number: number; key: ServerKey }[]) {
  return Promise.all(
    attesters.map(async ({ number: attester, key: { privateKey, keyX, keyY } }) => {
      const registry = { chainId: hardhat.id, address: compliance.address }
      const preimage = preimageOf(registry, { primaryType: 'Attestation', message: { ...finding, attester } })
      return { attester, keyX, keyY, ...(await signLowS(privateKey, preimage)) }
    }),
  )
}
