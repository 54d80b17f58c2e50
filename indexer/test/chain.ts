import type { webcrypto } from 'node:crypto'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import {
  type Deployment,
  devTokenAbi,
  devTokenBytecode,
  neighborhoodRegistryAbi,
  neighborhoodRegistryBytecode,
  serverRegistryAbi,
  serverRegistryBytecode,
} from '@dred/contracts'
import { createHardhatRuntimeEnvironment } from 'hardhat/hre'
import {
  type Address,
  bytesToHex,
  concat,
  createTestClient,
  createWalletClient,
  domainSeparator,
  type Hex,
  hashStruct,
  hexToBytes,
  http,
  keccak256,
  numberToHex,
  publicActions,
  slice,
  stringToBytes,
} from 'viem'
import { mnemonicToAccount } from 'viem/accounts'
import { hardhat } from 'viem/chains'

const MNEMONIC = 'test test test test test test test test test test test junk'
const CURVE_ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n
const DAY = 86_400

export const STAKE = 10n ** 21n

/** An in-process chain on `port` (0: a free one). */
export async function startChain(port = 0) {
  const project = dirname(fileURLToPath(import.meta.url))
  const accounts = { mnemonic: MNEMONIC, count: 4 }
  const network = { type: 'edr-simulated', chainType: 'l1', chainId: hardhat.id, hardfork: 'osaka', accounts } as const
  const hre = await createHardhatRuntimeEnvironment({ networks: { chain: network } }, {}, project)
  const server = await hre.network.createServer('chain', '127.0.0.1', port)
  const listening = await server.listen()
  const rpcUrl = `http://127.0.0.1:${listening.port}`
  const transport = http(rpcUrl)
  return {
    rpcUrl,
    port: listening.port,
    wallet: (addressIndex: number) =>
      createWalletClient({ account: mnemonicToAccount(MNEMONIC, { addressIndex }), chain: hardhat, transport, pollingInterval: 50 }).extend(
        publicActions,
      ),
    clock: createTestClient({ mode: 'hardhat', chain: hardhat, transport }).extend(publicActions),
    close: () => server.close(),
  }
}

export type Chain = Awaited<ReturnType<typeof startChain>>
export type Wallet = ReturnType<Chain['wallet']>

export async function deploy(chain: Chain): Promise<Deployment & { stakeToken: Address }> {
  const deployer = chain.wallet(0)
  const deployed = async (hash: Hex) => {
    const { contractAddress, blockNumber } = await deployer.waitForTransactionReceipt({ hash })
    if (!contractAddress) throw new Error('not a deployment')
    return { contractAddress, blockNumber }
  }
  const registry = await deployed(await deployer.deployContract({ abi: neighborhoodRegistryAbi, bytecode: neighborhoodRegistryBytecode }))
  const neighborhoodRegistry = registry.contractAddress
  const args = [neighborhoodRegistry] as const
  const servers = await deployed(await deployer.deployContract({ abi: serverRegistryAbi, bytecode: serverRegistryBytecode, args }))
  const token = await deployed(await deployer.deployContract({ abi: devTokenAbi, bytecode: devTokenBytecode }))
  return {
    chainId: hardhat.id,
    startBlock: Number(registry.blockNumber),
    neighborhoodRegistry,
    serverRegistry: servers.contractAddress,
    stakeToken: token.contractAddress,
  }
}

/** Creates a neighborhood that wants two servers; returns the hash of its transaction. */
export function createNeighborhood(owner: Wallet, deployment: Deployment & { stakeToken: Address }, name: string): Promise<Hex> {
  const parameters = {
    stakeToken: deployment.stakeToken,
    minStake: STAKE,
    unbondingSeconds: DAY,
    maxServers: 3,
    redundancy: 2,
    maxChannelLifetimeSeconds: 7 * DAY,
    maxChannelIdleSeconds: DAY,
    maxMessageBytes: 65_536,
  }
  return owner.writeContract({
    address: deployment.neighborhoodRegistry,
    abi: neighborhoodRegistryAbi,
    functionName: 'create',
    args: [name, 'https://poker.example/', keccak256(stringToBytes(name)), parameters],
  })
}

/** Stakes and registers a server with a key of its own; returns what was registered. */
export async function registerServer(
  operator: Wallet,
  deployment: Deployment & { stakeToken: Address },
  server: { neighborhood: number; endpoint: string },
) {
  const { serverRegistry, stakeToken } = deployment
  const account = operator.account.address
  const token = { address: stakeToken, abi: devTokenAbi } as const
  await operator.writeContract({ ...token, functionName: 'mint', args: [account, STAKE] })
  await operator.writeContract({ ...token, functionName: 'approve', args: [serverRegistry, STAKE] })

  const key = await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, false, ['sign', 'verify'])
  const point = bytesToHex(new Uint8Array(await crypto.subtle.exportKey('raw', key.publicKey)))
  const [keyX, keyY] = [slice(point, 1, 33), slice(point, 33, 65)]
  const { timestamp } = await operator.getBlock()
  const statement = {
    neighborhood: server.neighborhood,
    operator: account,
    keyX,
    keyY,
    endpointHash: keccak256(stringToBytes(server.endpoint)),
    deadline: timestamp + 3_600n,
  }
  const { neighborhood, deadline } = statement
  const registration = {
    neighborhood,
    stake: STAKE,
    payout: account,
    keyX,
    keyY,
    endpoint: server.endpoint,
    did: 'did:web:operator.example',
    deadline,
    ...(await sign(key.privateKey, preimage(serverRegistry, statement))),
  }
  const hash = await operator.writeContract({
    address: serverRegistry,
    abi: serverRegistryAbi,
    functionName: 'register',
    args: [registration],
  })
  return { ...registration, hash, keyId: slice(keccak256(concat([keyX, keyY])), 12) }
}

type Statement = { neighborhood: number; operator: Address; keyX: Hex; keyY: Hex; endpointHash: Hex; deadline: bigint }

function preimage(verifyingContract: Address, data: Statement): Hex {
  const domain = { name: 'Dred ServerRegistry', version: '1', chainId: hardhat.id, verifyingContract }
  const ServerKey = [
    { name: 'neighborhood', type: 'uint32' },
    { name: 'operator', type: 'address' },
    { name: 'keyX', type: 'bytes32' },
    { name: 'keyY', type: 'bytes32' },
    { name: 'endpointHash', type: 'bytes32' },
    { name: 'deadline', type: 'uint256' },
  ] as const
  return concat(['0x1901', domainSeparator({ domain }), hashStruct({ data, primaryType: 'ServerKey', types: { ServerKey } })])
}

/** The contract takes the lower of the two equivalent `s` only. */
async function sign(key: webcrypto.CryptoKey, message: Hex): Promise<{ r: Hex; s: Hex }> {
  const signature = bytesToHex(new Uint8Array(await crypto.subtle.sign({ name: 'ECDSA', hash: 'SHA-256' }, key, hexToBytes(message))))
  const s = BigInt(slice(signature, 32, 64))
  return { r: slice(signature, 0, 32), s: numberToHex(s > CURVE_ORDER / 2n ? CURVE_ORDER - s : s, { size: 32 }) }
}
