import { getAddress, keccak256, sha256, slice, stringToBytes, zeroAddress } from 'viem'
import { hardhat } from 'viem/chains'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  type Chain,
  createNeighborhood,
  DAY,
  deploy,
  findingOf,
  fund,
  receiptOf,
  register,
  type Registries,
  signedRegistration,
  STAKE,
  START_TIMEOUT_MS,
  startChain,
  votesOf,
} from './test/support/chain.ts'
import { createKey, equivocationOf, preimageOf, type ServerKey, signLowS } from './test/support/statements.ts'

const ENDPOINT = 'https://relay.example:8443'
const STATUS = { pending: 1, active: 2, exiting: 3, withdrawn: 4, slashed: 5 }

// Osaka has the P-256 precompile; before it the contracts verify in Solidity.
describe.each(['osaka', 'prague'])('on a chain at %s', (hardfork) => {
  let chain: Chain
  let registries: Registries
  let attester: ServerKey
  beforeAll(async () => {
    chain = await startChain(hardfork, 3)
    const operator = chain.walletOf(0)
    registries = await deploy(operator)
    attester = await createKey()
    await receiptOf(operator, createNeighborhood(operator, registries, { mode: 'appointed', attesters: [attester] }))
    await fund(operator, registries)
  }, START_TIMEOUT_MS)
  afterAll(async () => {
    await chain.close()
  })

  const stateOf = (id: number) => chain.walletOf(0).readContract({ ...registries.servers, functionName: 'serverOf', args: [id] })
  const balanceOf = (account: `0x${string}`) =>
    chain.walletOf(0).readContract({ ...registries.token, functionName: 'balanceOf', args: [account] })

  async function attest(id: number): Promise<number> {
    const wallet = chain.walletOf(1)
    const finding = await findingOf(wallet, registries, id)
    const votes = await votesOf(registries, finding, [{ number: 1, key: attester }])
    await receiptOf(wallet, wallet.writeContract({ ...registries.compliance, functionName: 'attest', args: [finding, votes] }))
    return finding.validUntil
  }

  test('the registries know each other', async () => {
    const { neighborhoods, servers, compliance } = registries
    const wallet = chain.walletOf(0)
    const known = [
      await wallet.readContract({ ...servers, functionName: 'neighborhoodRegistry' }),
      await wallet.readContract({ ...compliance, functionName: 'neighborhoodRegistry' }),
    ]
    expect(known.map((address) => getAddress(address))).toEqual([getAddress(neighborhoods.address), getAddress(neighborhoods.address)])
    expect(getAddress(await wallet.readContract({ ...compliance, functionName: 'serverRegistry' }))).toBe(getAddress(servers.address))
    expect(getAddress(await wallet.readContract({ ...neighborhoods, functionName: 'guardian' }))).toBe(wallet.account.address)
  })

  test('a server signed by a WebCrypto key registers, is attested, rotates, exits and gets its stake back', async () => {
    const [operator, stranger] = [chain.walletOf(0), chain.walletOf(1)]
    const { servers } = registries
    const signed = await signedRegistration(operator, registries, { neighborhood: 1, endpoint: ENDPOINT })
    const digest = await operator.readContract({ ...servers, functionName: 'serverKeyDigest', args: [signed.statement] })
    expect(digest).toBe(sha256(signed.preimage))
    const copy = { ...servers, functionName: 'register', args: [signed.registration] } as const
    await expect(stranger.simulateContract(copy)).rejects.toThrow('ServerRegistry_SignatureInvalid')

    const { id, key, registered } = await register(operator, registries, { neighborhood: 1, endpoint: ENDPOINT })
    expect(registered).toMatchObject({ id: 1, neighborhood: 1, keyX: key.keyX, keyY: key.keyY, endpoint: ENDPOINT, stake: STAKE })
    expect(registered.keyId.toLowerCase()).toBe(key.keyId)
    expect(await stateOf(id)).toMatchObject({ status: STATUS.pending, stake: STAKE, validUntil: 0 })

    const validUntil = await attest(id)
    expect(await stateOf(id)).toMatchObject({ status: STATUS.active, validUntil })
    const endpointHash = keccak256(stringToBytes(ENDPOINT))
    expect(await operator.readContract({ ...servers, functionName: 'endpointHolder', args: [1, endpointHash] })).toBe(id)

    const next = await rotate(id)
    expect((await stateOf(id)).keyId.toLowerCase()).toBe(next.keyId)

    await receiptOf(operator, operator.writeContract({ ...servers, functionName: 'requestExit', args: [id] }))
    await expect(operator.simulateContract({ ...servers, functionName: 'withdraw', args: [id] })).rejects.toThrow('ServerRegistry_Locked')
    await chain.wait(DAY)
    const before = await balanceOf(operator.account.address)
    await receiptOf(operator, operator.writeContract({ ...servers, functionName: 'withdraw', args: [id] }))
    expect((await balanceOf(operator.account.address)) - before).toBe(STAKE)
    expect(await stateOf(id)).toMatchObject({ status: STATUS.withdrawn, stake: 0n })
  })

  async function rotate(id: number): Promise<ServerKey> {
    const operator = chain.walletOf(0)
    const { servers } = registries
    const next = await createKey()
    const { timestamp } = await operator.getBlock()
    const { keyX, keyY } = next
    const message = { server: id, operator: operator.account.address, keyX, keyY, deadline: timestamp + 3600n }
    const preimage = preimageOf({ chainId: hardhat.id, address: servers.address }, { primaryType: 'KeyRotation', message })
    expect(await operator.readContract({ ...servers, functionName: 'keyRotationDigest', args: [message] })).toBe(sha256(preimage))
    const signature = await signLowS(next.privateKey, preimage)
    const rotation = { server: id, keyX, keyY, overlapSeconds: 0, deadline: message.deadline, ...signature }
    await receiptOf(operator, operator.writeContract({ ...servers, functionName: 'rotateKey', args: [rotation] }))
    return next
  }

  test('what attesters and servers sign is what the registries hash', async () => {
    const wallet = chain.walletOf(0)
    const { servers, compliance } = registries
    const hash = keccak256('0x02')
    const about = { neighborhood: 1, server: 2, attester: 3, round: 4 }
    const attestation = { ...about, endpointHash: hash, spkiHash: hash, validUntil: 5, reportHash: hash }
    const attested = preimageOf({ chainId: hardhat.id, address: compliance.address }, { primaryType: 'Attestation', message: attestation })
    expect(await wallet.readContract({ ...compliance, functionName: 'attestationDigest', args: [attestation] })).toBe(sha256(attested))
    const head = { server: 1, incarnation: 2n ** 64n - 1n, n: 3n, head: hash }
    const stated = preimageOf({ chainId: hardhat.id, address: servers.address }, { primaryType: 'RelayHead', message: head })
    expect(await wallet.readContract({ ...servers, functionName: 'relayHeadDigest', args: [head] })).toBe(sha256(stated))
  })

  test('a server that signed two histories loses half its stake', async () => {
    const [operator, reporter] = [chain.walletOf(0), chain.walletOf(2)]
    const { servers, token } = registries
    const { id, key } = await register(operator, registries, { neighborhood: 1, endpoint: 'https://cheat.example' })
    await attest(id)
    const evidence = await equivocationOf({ chainId: hardhat.id, address: servers.address }, id, key)
    const [first, firstSignature] = evidence
    const [, , , , branch] = evidence
    const once = [first, firstSignature, first, firstSignature, { ...branch, ancestor: first.head }] as const
    await expect(reporter.simulateContract({ ...servers, functionName: 'slashRelay', args: once })).rejects.toThrow('NoEquivocation')

    await receiptOf(reporter, reporter.writeContract({ ...servers, functionName: 'slashRelay', args: evidence }))
    expect(await stateOf(id)).toMatchObject({ status: STATUS.slashed, stake: STAKE / 2n })
    expect(await balanceOf(reporter.account.address)).toBe(STAKE / 20n)
    await receiptOf(reporter, reporter.writeContract({ ...servers, functionName: 'burn', args: [token.address] }))
    expect(await balanceOf(slice('0x000000000000000000000000000000000000dead', 0, 20))).toBe((STAKE * 9n) / 20n)
  })
})

describe('on a chain with a server', () => {
  let chain: Chain
  let registries: Registries
  beforeAll(async () => {
    chain = await startChain('osaka', 1)
    const operator = chain.walletOf(0)
    registries = await deploy(operator)
    await receiptOf(operator, createNeighborhood(operator, registries, { mode: 'appointed', attesters: [] }))
    await fund(operator, registries)
    await register(operator, registries, { neighborhood: 1, endpoint: ENDPOINT })
  }, START_TIMEOUT_MS)
  afterAll(async () => {
    await chain.close()
  })

  test('a server without attesters stays pending', async () => {
    const operator = chain.walletOf(0)
    const open = { ...registries.compliance, functionName: 'openRound', args: [1] } as const
    await expect(operator.simulateContract(open)).rejects.toThrow('ComplianceRegistry_NoAttesters')
    const guardian = { ...registries.neighborhoods, functionName: 'guardianOf', args: [1] } as const
    expect(await operator.readContract(guardian)).toBe(zeroAddress)
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
    const outcome = await chain
      .walletOf(0)
      .simulateContract({ ...registries.servers, functionName: 'setEndpoint', args: [1, endpoint] })
      .then(
        () => 'taken',
        (error: Error) => /ServerRegistry_\w+/.exec(error.message)?.[0],
      )
    const canonical = URL.canParse(endpoint) && new URL(endpoint).origin === endpoint
    // A URL parser lets these through; nothing can listen there.
    const unreachable = endpoint.includes('..') || endpoint.endsWith(':0')
    expect(outcome).toBe(canonical && !unreachable ? 'taken' : 'ServerRegistry_EndpointInvalid')
  })
})
