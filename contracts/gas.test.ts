import type { Hex } from 'viem'
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
  START_TIMEOUT_MS,
  startChain,
  votesOf,
  type Wallet,
} from './test/support/chain.ts'
import { createKey, equivocationOf, preimageOf, type ServerKey, signLowS } from './test/support/statements.ts'

/** Gas of one P256VERIFY (EIP-7951), which the budgets come on top of. */
const VERIFY = 6_900n
const ATTESTERS = 16
const QUORUM = 11

// Whole transactions in a neighborhood that is in use: every account held the token before, and a server is not the first of
// the eight whose ids share a slot.
describe('gas of whole transactions', () => {
  let chain: Chain
  let registries: Registries
  let operator: Wallet
  let attesters: { number: number; key: ServerKey }[]
  beforeAll(async () => {
    chain = await startChain('osaka', 3)
    operator = chain.walletOf(0)
    registries = await deploy(operator)
    attesters = await Promise.all(Array.from({ length: ATTESTERS }, async (_, i) => ({ number: i + 1, key: await createKey() })))
    const keys = attesters.map(({ key }) => key)
    await receiptOf(operator, createNeighborhood(operator, registries, { mode: 'appointed', attesters: keys }))
    await fund(operator, registries)
    await fund(chain.walletOf(1), registries)
    await serve(operator)
  }, START_TIMEOUT_MS)
  afterAll(async () => {
    await chain.close()
  })

  let served = 0
  const nextEndpoint = () => `https://relay-${++served}.example.com`
  const serve = (wallet: Wallet) => register(wallet, registries, { neighborhood: 1, endpoint: nextEndpoint() })

  /** Sends the transaction and gives its gas without its P-256 checks. */
  const gasOf = async (hash: Promise<Hex>, checks = 0) => (await receiptOf(operator, hash)).gasUsed - BigInt(checks) * VERIFY

  async function attest(id: number): Promise<bigint> {
    const finding = await findingOf(operator, registries, id)
    const votes = await votesOf(registries, finding, attesters.slice(0, QUORUM))
    return gasOf(operator.writeContract({ ...registries.compliance, functionName: 'attest', args: [finding, votes] }), QUORUM)
  }

  async function rotationOf(server: number) {
    const { privateKey, keyX, keyY } = await createKey()
    const { timestamp } = await operator.getBlock()
    const message = { server, operator: operator.account.address, keyX, keyY, deadline: timestamp + 3600n }
    const preimage = preimageOf({ chainId: hardhat.id, address: registries.servers.address }, { primaryType: 'KeyRotation', message })
    const signature = await signLowS(privateKey, preimage)
    return { server, keyX, keyY, overlapSeconds: 3600, deadline: message.deadline, ...signature }
  }

  test('a server registers, is attested, rotates its key, exits and withdraws', async () => {
    const { servers } = registries
    const { id, receipt } = await serve(operator)
    expect(receipt.gasUsed - VERIFY).toBeLessThan(225_000n)
    expect(await attest(id)).toBeLessThan(235_000n)
    await chain.wait(60)
    expect(await attest(id)).toBeLessThan(200_000n)

    const rotation = await rotationOf(id)
    expect(await gasOf(operator.writeContract({ ...servers, functionName: 'rotateKey', args: [rotation] }), 1)).toBeLessThan(73_000n)
    expect(await gasOf(operator.writeContract({ ...servers, functionName: 'requestExit', args: [id] }))).toBeLessThan(46_000n)
    await chain.wait(DAY)
    expect(await gasOf(operator.writeContract({ ...servers, functionName: 'withdraw', args: [id] }))).toBeLessThan(60_500n)
  })

  test('a cheat is slashed', async () => {
    const { servers } = registries
    const reporter = chain.walletOf(1)
    // The first slash in a token also begins to count what is to burn of it.
    for (const budget of [111_000n, 95_000n]) {
      const { id, key } = await serve(operator)
      const evidence = await equivocationOf({ chainId: hardhat.id, address: servers.address }, id, key)
      expect(await gasOf(reporter.writeContract({ ...servers, functionName: 'slashRelay', args: evidence }), 2)).toBeLessThan(budget)
    }
  })
})
