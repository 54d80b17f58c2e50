import {
  canonicalJson,
  encodeBase64url,
  limits,
  type Revocation,
  revocationBytes,
  revocationText,
  type Signer,
  verifySignature,
} from '@dred/protocol'
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest'
import { testSigner } from '../testing/test-node.ts'
import type { NoticeJudge, Notices } from '../notices/port.ts'
import type { WalletChain } from './port.ts'
import { Revocations } from './revocations.ts'
import type { TestWallet } from './testing/wallets.ts'
import { expectProblem, prepareGround, World } from './testing/world.ts'

const ground = await prepareGround()
let world: World
let device: Signer

beforeEach(async () => {
  world = await World.start(ground)
  device = await testSigner()
}, 30_000)
afterEach(() => world.close())
afterAll(() => ground.chain.close())

describe('a revocation', () => {
  type Unsigned = Omit<Revocation, 'sig'>
  const revoke = (body: unknown, server = 1) => world.call(server, '/session/revocation', { body })
  const lower = (wallet: TestWallet) => wallet.address.toLowerCase()
  const byDevice = async (revocation: Unsigned, signer = device) => ({
    ...revocation,
    sig: await world.sign(signer, revocationBytes(world.ref, revocation)),
  })
  const byWallet = async (wallet: TestWallet, revocation: Unsigned) => ({
    ...revocation,
    sig: await wallet.sign(revocationText(world.ref, revocation)),
  })

  it('by the device ends its sessions at every server, and the delegation with them', async () => {
    const { account } = ground.contracts
    const delegation = await world.delegate(account, device)
    const [here, there] = [await world.open(1, device, delegation), await world.open(2, device, delegation)]
    const plain = await world.open(1, device)
    const other = await world.openFor(account)
    const body = await byDevice({ wallet: lower(account), device: device.key, revokedAt: world.now(), by: 'device' })
    const taken = await revoke(body)
    expect(taken).toMatchObject({ status: 200, json: { revokedAt: body.revokedAt, expiresAt: body.revokedAt + limits.delegationMs } })
    expectProblem(await world.use(here.token), 'delegation_revoked')
    await expect.poll(async () => (await world.use(there.token, 2)).json['code'], { timeout: 10_000 }).toBe('delegation_revoked')
    expectProblem(await world.session({ ...(await world.answer(2, device)), delegation }, 2), 'delegation_revoked')
    expect((await world.use(plain.token)).status).toBe(200)
    expect((await world.use(other.token)).status).toBe(200)
    world.advance(2_000)
    expect((await world.open(2, device, await world.delegate(account, device))).wallet).toBe(lower(account))
  })

  it.each(['account', 'contract', 'undeployed'] as const)('by the %s ends the sessions of one device, or of all', async (kind) => {
    const { [kind]: wallet } = ground.contracts
    const [first, second] = [await world.openFor(wallet), await world.openFor(wallet)]
    const revocation: Unsigned = { wallet: lower(wallet), revokedAt: world.now(), by: 'wallet' }
    expect((await revoke(await byWallet(wallet, { ...revocation, device: first.device.key }))).status).toBe(200)
    expectProblem(await world.use(first.token), 'delegation_revoked')
    expect((await world.use(second.token)).status).toBe(200)
    expect((await revoke(await byWallet(wallet, revocation), 2)).status).toBe(200)
    await expect.poll(async () => (await world.use(second.token)).json['code'], { timeout: 10_000 }).toBe('delegation_revoked')
  })

  it('is taken from whom it concerns only', async () => {
    const { account, contract } = ground.contracts
    const { token, device: its } = await world.openFor(account)
    const revocation: Unsigned = { wallet: lower(account), device: its.key, revokedAt: world.now(), by: 'device' }
    expectProblem(await revoke(await byDevice(revocation)), 'invalid_signature')
    expectProblem(await revoke({ ...(await byDevice(revocation, its)), revokedAt: world.now() + 1 }), 'invalid_signature')
    const stranger = { address: account.address, sign: (text: string) => ground.chain.wallet(2).signMessage({ message: text }) }
    expectProblem(await revoke(await byWallet(stranger, { ...revocation, by: 'wallet' })), 'invalid_signature')
    const { serverRegistry, neighborhood } = world.ref
    const elsewhere = { chainId: 1, serverRegistry, neighborhood }
    const sig = await world.sign(its, revocationBytes(elsewhere, revocation))
    expectProblem(await revoke({ ...revocation, sig }), 'invalid_signature')
    world.rpc.down = true
    const ofContract = await byWallet(contract, { ...revocation, wallet: lower(contract), by: 'wallet' })
    expectProblem(await revoke(ofContract), 'chain_unavailable')
    expect((await world.use(token)).status).toBe(200)
  })

  it('has to have its shape', async () => {
    const revocation: Unsigned = { wallet: `0x${'ab'.repeat(20)}`, device: device.key, revokedAt: world.now(), by: 'device' }
    const signed = await byDevice(revocation)
    const { device: _, ...nobody } = revocation
    for (const body of [null, {}, { ...signed, by: 'friend' }, { ...signed, extra: 1 }, { ...signed, wallet: `0x${'AB'.repeat(20)}` }]) {
      expectProblem(await revoke(body), 'malformed_statement')
    }
    expectProblem(await revoke(await byDevice(nobody)), 'malformed_statement')
    expectProblem(await revoke({ ...signed, sig: '0x1234' }), 'malformed_statement')
    expectProblem(await revoke({ ...signed, by: 'wallet' }), 'malformed_statement')
    expectProblem(await revoke(await byDevice({ ...revocation, revokedAt: world.now() - limits.delegationMs })), 'malformed_statement')
    expectProblem(await revoke(await byDevice({ ...revocation, revokedAt: world.now() + limits.clockSkewMs + 5_000 })), 'clock_skew')
    const weak = { ...signed, device: encodeBase64url(new Uint8Array(32)) }
    expectProblem(await revoke(weak), 'weak_key')
  })

  it('is taken from peers in one form only, so that nobody who passes it on makes many of it', async () => {
    let judge: NoticeJudge | undefined
    const notices = { register: (_, its) => (judge = its) } as Partial<Notices> as Notices
    const chain = { signedText: () => Promise.resolve(true) } as Partial<WalletChain> as WalletChain
    new Revocations({ ref: world.ref, notices, wallets: chain, verify: verifySignature, now: world.now })
    const revocation: Unsigned = { wallet: `0x${'ab'.repeat(20)}`, revokedAt: world.now(), by: 'wallet' }
    const textOf = (sig: string): string => canonicalJson({ ...revocation, sig })
    expect((await judge?.(textOf('0xab')))?.text).toBe(textOf('0xab'))
    for (const text of [textOf('0xAb'), `${textOf('0xab')} `, JSON.stringify({ sig: '0xab', ...revocation })]) {
      await expect(judge?.(text)).rejects.toMatchObject({ code: 'malformed_statement' })
    }
  })
})
