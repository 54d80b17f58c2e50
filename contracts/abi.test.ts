import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createHardhatRuntimeEnvironment } from 'hardhat/hre'
import {
  type Abi,
  type Address,
  bytesToHex,
  concat,
  createTestClient,
  createWalletClient,
  domainSeparator,
  encodeFunctionData,
  hashStruct,
  type Hex,
  hexToBytes,
  http,
  keccak256,
  maxUint256,
  numberToHex,
  parseEventLogs,
  publicActions,
  sha256,
  slice,
  stringToBytes,
} from 'viem'
import { mnemonicToAccount } from 'viem/accounts'
import { hardhat } from 'viem/chains'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
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
  const signature = bytesToHex(new Uint8Array(await crypto.subtle.sign(algorithm, privateKey, new Uint8Array(hexToBytes(preimage)))))
  const s = BigInt(slice(signature, 32, 64))
  return { r: slice(signature, 0, 32), s: numberToHex(s > CURVE_ORDER / 2n ? CURVE_ORDER - s : s, { size: 32 }) }
}

async function startChain(hardfork: string) {
  const network = {
    type: 'edr-simulated',
    chainType: 'l1',
    chainId: 31_337,
    hardfork,
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

type Chain = Awaited<ReturnType<typeof startChain>>
type Contracts = { token: Address; neighborhoods: Address; servers: Address }

/** Deploys everything, creates neighborhood 1 and gives the operator tokens that the registry may take. */
async function deploy({ operator }: Chain): Promise<Contracts> {
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
  const content = keccak256(stringToBytes('content'))
  await operator.writeContract({
    address: neighborhoods,
    abi: neighborhoodRegistryAbi,
    functionName: 'create',
    args: ['Poker', 'https://poker.example/', content, parameters],
  })
  await operator.writeContract({ address: token, abi: devTokenAbi, functionName: 'mint', args: [operator.account.address, 10n * STAKE] })
  await operator.writeContract({ address: token, abi: devTokenAbi, functionName: 'approve', args: [servers, maxUint256] })
  return { token, neighborhoods, servers }
}

/** A registration in neighborhood 1 with a fresh key that signed it, and what it signed. */
async function signedRegistration({ operator, stranger }: Chain, servers: Address, endpoint: string) {
  const { privateKey, keyX, keyY } = await createServerKey()
  const { timestamp } = await operator.getBlock()
  const statement = {
    neighborhood: 1,
    operator: operator.account.address,
    keyX,
    keyY,
    endpointHash: keccak256(stringToBytes(endpoint)),
    deadline: timestamp + 3600n,
  }
  const preimage = serverKeyPreimage(hardhat.id, servers, statement)
  const { r, s } = await signLowS(privateKey, preimage)
  const { neighborhood, deadline } = statement
  const did = 'did:web:operator.example'
  const registration = { neighborhood, stake: STAKE, payout: stranger.account.address, keyX, keyY, endpoint, did, deadline, r, s }
  return { registration, statement, preimage }
}

// Osaka has the P-256 precompile; before it the contract verifies in Solidity.
describe.each(['osaka', 'prague'])('on a chain at %s', (hardfork) => {
  let chain: Chain
  let contracts: Contracts
  beforeAll(async () => {
    chain = await startChain(hardfork)
    contracts = await deploy(chain)
  })
  afterAll(async () => {
    await chain.close()
  })

  test('a server signed by a WebCrypto key registers, exits and gets its stake back', async () => {
    const { operator, stranger, clock } = chain
    const { token, servers } = contracts
    const registry = { address: servers, abi: serverRegistryAbi } as const
    const { registration, statement, preimage } = await signedRegistration(chain, servers, ENDPOINT)
    expect(await operator.readContract({ ...registry, functionName: 'serverKeyDigest', args: [statement] })).toBe(sha256(preimage))
    await expect(stranger.simulateContract({ ...registry, functionName: 'register', args: [registration] })).rejects.toThrow(
      'ServerRegistry_SignatureInvalid',
    )

    const hash = await operator.writeContract({ ...registry, functionName: 'register', args: [registration] })
    const receipt = await operator.waitForTransactionReceipt({ hash })
    const [registered] = parseEventLogs({ abi: serverRegistryAbi, eventName: 'ServerRegistered', logs: receipt.logs })
    const { keyX, keyY } = registration
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
})

describe('on a chain with a server', () => {
  let chain: Chain
  let contracts: Contracts
  beforeAll(async () => {
    chain = await startChain('osaka')
    contracts = await deploy(chain)
    await send('register', [(await signedRegistration(chain, contracts.servers, ENDPOINT)).registration])
  })
  afterAll(async () => {
    await chain.close()
  })

  /** Sends a transaction to the server registry and gives the gas it used. */
  async function send(functionName: 'register' | 'addStake' | 'requestExit' | 'withdraw', args: readonly unknown[]): Promise<bigint> {
    const { operator } = chain
    const data = encodeFunctionData({ abi: serverRegistryAbi as Abi, functionName, args })
    const { status, gasUsed } = await operator.waitForTransactionReceipt({
      hash: await operator.sendTransaction({ to: contracts.servers, data }),
    })
    expect(status).toBe('success')
    return gasUsed
  }

  test('transactions stay within their gas budgets', async () => {
    const { operator, stranger, clock } = chain
    // What a payout account costs that never held the token is the token's, not ours.
    const mint = { address: contracts.token, abi: devTokenAbi, functionName: 'mint', args: [stranger.account.address, 1n] } as const
    await operator.writeContract(mint)
    const { registration } = await signedRegistration(chain, contracts.servers, 'https://relay-2.example.com')
    expect(await send('register', [registration])).toBeLessThan(255_000n)
    expect(await send('addStake', [2, 1n])).toBeLessThan(55_000n)
    expect(await send('requestExit', [2])).toBeLessThan(45_000n)
    await clock.increaseTime({ seconds: DAY })
    await clock.mine({ blocks: 1 })
    expect(await send('withdraw', [2])).toBeLessThan(60_000n)
  })

  // Every origin that a URL parser prints back as it was, and no other text of the kind.
  const endpoints = [
    ['https://a.example', 'https://a.example:8443', 'https://a.example:80', 'https://1.2.3.4', 'https://1.2.3', 'https://1.2.3.04'],
    ['https://a.example:443', 'https://a.example:08443', 'https://a.example:0', 'https://a.example:65536', 'https://a.example:'],
    ['https://A.example', 'https://a.example/', 'https://u@a.example', 'https://a.example?', 'https://a.example#', 'https:/a.example'],
    ['https://0x7f.1', 'https://a.0xg', 'https://a.0x', 'https://a.5', 'https://256.1.1.1', 'https://1.2.3.4.5', 'https://2130706433'],
    ['https://1.2.3.4x', 'https://a..example', 'https://a b', 'https://a%41', 'https://a.example\\', 'https://a.example\n', 'https://'],
  ]
  test.each(endpoints.flat())('takes %j as an endpoint exactly if it is an origin in its canonical form', async (endpoint) => {
    const { operator } = chain
    const registry = { address: contracts.servers, abi: serverRegistryAbi } as const
    const outcome = await operator.simulateContract({ ...registry, functionName: 'setEndpoint', args: [1, endpoint] }).then(
      () => 'taken',
      (error: Error) => /ServerRegistry_\w+/.exec(error.message)?.[0],
    )
    const canonical = URL.canParse(endpoint) && new URL(endpoint).origin === endpoint
    // A URL parser lets these through; nothing can listen there.
    const unreachable = endpoint.includes('..') || endpoint.endsWith(':0')
    expect(outcome).toBe(canonical && !unreachable ? 'taken' : 'ServerRegistry_EndpointInvalid')
  })
})
