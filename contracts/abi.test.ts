import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createHardhatRuntimeEnvironment } from 'hardhat/hre'
import {
  type Address,
  bytesToHex,
  concat,
  createTestClient,
  createWalletClient,
  domainSeparator,
  hashStruct,
  type Hex,
  hexToBytes,
  http,
  keccak256,
  numberToHex,
  parseEventLogs,
  publicActions,
  sha256,
  slice,
  stringToBytes,
} from 'viem'
import { mnemonicToAccount } from 'viem/accounts'
import { hardhat } from 'viem/chains'
import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  devTokenAbi,
  devTokenBytecode,
  neighborhoodRegistryAbi,
  neighborhoodRegistryBytecode,
  serverRegistryAbi,
  serverRegistryBytecode,
} from './abi/index.ts'

const MNEMONIC = 'test test test test test test test test test test test junk'
const DAY = 86_400
const ENDPOINT = 'https://relay.example:8443'
const STAKE = 10n ** 21n
const CURVE_ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n

type ServerKeyStatement = { neighborhood: number; operator: Address; keyX: Hex; keyY: Hex; endpointHash: Hex; deadline: bigint }

const serverKeyTypes = {
  ServerKey: [
    { name: 'neighborhood', type: 'uint32' },
    { name: 'operator', type: 'address' },
    { name: 'keyX', type: 'bytes32' },
    { name: 'keyY', type: 'bytes32' },
    { name: 'endpointHash', type: 'bytes32' },
    { name: 'deadline', type: 'uint256' },
  ],
} as const

function serverKeyPreimage(chainId: number, serverRegistry: Address, statement: ServerKeyStatement): Hex {
  const domain = { name: 'Dred ServerRegistry', version: '1', chainId, verifyingContract: serverRegistry }
  return concat(['0x1901', domainSeparator({ domain }), hashStruct({ data: statement, primaryType: 'ServerKey', types: serverKeyTypes })])
}

async function createServerKey() {
  const pair = await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, false, ['sign', 'verify'])
  const point = bytesToHex(new Uint8Array(await crypto.subtle.exportKey('raw', pair.publicKey)))
  return { privateKey: pair.privateKey, keyX: slice(point, 1, 33), keyY: slice(point, 33, 65) }
}

async function signLowS(privateKey: CryptoKey, preimage: Hex): Promise<{ r: Hex; s: Hex }> {
  const algorithm = { name: 'ECDSA', hash: 'SHA-256' }
  const signature = bytesToHex(new Uint8Array(await crypto.subtle.sign(algorithm, privateKey, hexToBytes(preimage))))
  const s = BigInt(slice(signature, 32, 64))
  return { r: slice(signature, 0, 32), s: numberToHex(s > CURVE_ORDER / 2n ? CURVE_ORDER - s : s, { size: 32 }) }
}

async function startChain() {
  const network = {
    type: 'edr-simulated',
    chainType: 'l1',
    chainId: 31_337,
    hardfork: 'osaka',
    accounts: { mnemonic: MNEMONIC, count: 3 },
  } as const
  const project = dirname(fileURLToPath(import.meta.url))
  const hre = await createHardhatRuntimeEnvironment({ networks: { chain: network } }, {}, project)
  const server = await hre.network.createServer('chain', '127.0.0.1', 0)
  const { address, port } = await server.listen()
  const transport = http(`http://${address}:${port}`)
  const wallet = (addressIndex: number) =>
    createWalletClient({ account: mnemonicToAccount(MNEMONIC, { addressIndex }), chain: hardhat, transport }).extend(publicActions)
  return {
    operator: wallet(0),
    stranger: wallet(1),
    clock: createTestClient({ mode: 'hardhat', chain: hardhat, transport }),
    close: () => server.close(),
  }
}

let chain: Awaited<ReturnType<typeof startChain>>

async function deploy() {
  const { operator } = chain
  const deployed = async (hash: Hex): Promise<Address> => {
    const { contractAddress } = await operator.waitForTransactionReceipt({ hash })
    if (!contractAddress) throw new Error('not a deployment')
    return contractAddress
  }
  const token = await deployed(await operator.deployContract({ abi: devTokenAbi, bytecode: devTokenBytecode }))
  const neighborhoods = await deployed(
    await operator.deployContract({ abi: neighborhoodRegistryAbi, bytecode: neighborhoodRegistryBytecode }),
  )
  const servers = await deployed(
    await operator.deployContract({ abi: serverRegistryAbi, bytecode: serverRegistryBytecode, args: [neighborhoods] }),
  )
  return { token, neighborhoods, servers }
}

beforeAll(async () => {
  chain = await startChain()
})
afterAll(async () => {
  await chain.close()
})

test('a server signed by a WebCrypto key registers, exits and gets its stake back', async () => {
  const { operator, stranger, clock } = chain
  const { token, neighborhoods, servers } = await deploy()
  const parameters = {
    stakeToken: token,
    minStake: STAKE,
    unbondingSeconds: DAY,
    maxServers: 3,
    redundancy: 2,
    maxChannelLifetimeSeconds: 7 * DAY,
    maxChannelIdleSeconds: DAY,
    maxMessageBytes: 65_536,
  }
  const created = [keccak256(stringToBytes('content')), parameters] as const
  await operator.writeContract({
    address: neighborhoods,
    abi: neighborhoodRegistryAbi,
    functionName: 'create',
    args: ['Poker', 'https://poker.example/', ...created],
  })
  await operator.writeContract({ address: token, abi: devTokenAbi, functionName: 'mint', args: [operator.account.address, STAKE] })
  await operator.writeContract({ address: token, abi: devTokenAbi, functionName: 'approve', args: [servers, STAKE] })

  const { privateKey, keyX, keyY } = await createServerKey()
  const { timestamp } = await operator.getBlock()
  const statement = {
    neighborhood: 1,
    operator: operator.account.address,
    keyX,
    keyY,
    endpointHash: keccak256(stringToBytes(ENDPOINT)),
    deadline: timestamp + 3600n,
  }
  const preimage = serverKeyPreimage(hardhat.id, servers, statement)
  const registry = { address: servers, abi: serverRegistryAbi } as const
  expect(await operator.readContract({ ...registry, functionName: 'serverKeyDigest', args: [statement] })).toBe(sha256(preimage))

  const registration = {
    neighborhood: 1,
    stake: STAKE,
    payout: stranger.account.address,
    keyX,
    keyY,
    endpoint: ENDPOINT,
    did: 'did:web:operator.example',
    deadline: statement.deadline,
    ...(await signLowS(privateKey, preimage)),
  }
  await expect(stranger.simulateContract({ ...registry, functionName: 'register', args: [registration] })).rejects.toThrow(
    'ServerRegistry_SignatureInvalid',
  )

  const hash = await operator.writeContract({ ...registry, functionName: 'register', args: [registration] })
  const receipt = await operator.waitForTransactionReceipt({ hash })
  const [registered] = parseEventLogs({ abi: serverRegistryAbi, eventName: 'ServerRegistered', logs: receipt.logs })
  const keyId = slice(keccak256(concat([keyX, keyY])), 12)
  expect(registered?.args).toMatchObject({ id: 1, neighborhood: 1, keyX, keyY, endpoint: ENDPOINT, stake: STAKE })
  expect(registered?.args.keyId.toLowerCase()).toBe(keyId)
  expect(await operator.readContract({ ...registry, functionName: 'serverIdOfKey', args: [keyId] })).toBe(1)

  await operator.writeContract({ ...registry, functionName: 'requestExit', args: [1] })
  await expect(operator.simulateContract({ ...registry, functionName: 'withdraw', args: [1] })).rejects.toThrow('ServerRegistry_Locked')
  await clock.increaseTime({ seconds: DAY })
  await clock.mine({ blocks: 1 })
  await operator.writeContract({ ...registry, functionName: 'withdraw', args: [1] })

  const paid = { address: token, abi: devTokenAbi, functionName: 'balanceOf', args: [stranger.account.address] } as const
  expect(await operator.readContract(paid)).toBe(STAKE)
  expect(await operator.readContract({ ...registry, functionName: 'serverOf', args: [1] })).toMatchObject({ status: 3, stake: 0n })
})
