import { encodeBase64url, limits, sessionBytes, type Signer } from '@dred/protocol'
import { decodeJwt } from 'jose'
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest'
import { testSigner } from '../testing/test-node.ts'
import { bearer, expectProblem, prepareGround, World } from './testing/world.ts'

const ground = await prepareGround()
let world: World
let device: Signer

beforeEach(async () => {
  world = await World.start(ground)
  device = await testSigner()
}, 30_000)
afterEach(() => world.close())
afterAll(() => ground.chain.close())

describe('a session of a device', () => {
  it('is opened by the answer to a challenge', async () => {
    const asked = await world.session({ key: device.key })
    expect(asked.status).toBe(200)
    expect(asked.json['expiresAt']).toBeGreaterThan(world.now() + limits.challengeMs - 2_000)
    const opened = await world.session(await world.answer(1, device))
    expect(opened.status).toBe(201)
    expect(opened.headers.get('cache-control')).toBe('no-store')
    const { token, expiresAt } = opened.json as { token: string; expiresAt: number }
    expect(Math.abs(expiresAt - world.now() - 3_600_000)).toBeLessThan(5_000)
    expect(decodeJwt(token)).toMatchObject({ sub: device.key, aud: `dred:server:31337:${world.registry.serverRegistry}:1:1` })
    expect((await world.use(token)).status).toBe(200)
    expect((await world.call(1, '/.well-known/dred')).json['identity']).toEqual({ sessionMs: 3_600_000, capabilityMs: 600_000 })
  })

  it.each([
    ['no object', null],
    ['a list', []],
    ['no key', {}],
    ['a key that is none', { key: 'x' }],
    ['an unknown field', { key: 'A'.repeat(43), extra: 1 }],
    ['a challenge without an answer', { key: 'A'.repeat(43), challenge: 'x' }],
    ['a delegation without an answer', { key: 'A'.repeat(43), delegation: { message: 'x', signature: '0x12' } }],
    ['a delegation that is none', { key: 'A'.repeat(43), challenge: 'x', sig: 'A'.repeat(86), delegation: { message: 'x' } }],
  ])('is not opened by %s', async (_, body) => expectProblem(await world.session(body), 'malformed_session'))

  it('is opened by that device only', async () => {
    const answer = await world.answer(1, device)
    const other = await testSigner()
    expectProblem(await world.session({ ...answer, key: other.key }), 'challenge_expired')
    const bytes = sessionBytes(world.ref, { server: 1, ...answer })
    expectProblem(await world.session({ ...answer, sig: await world.sign(other, bytes) }), 'invalid_signature')
    const weak = encodeBase64url(new Uint8Array(32))
    const { json } = await world.session({ key: weak })
    expectProblem(await world.session({ key: weak, challenge: json['challenge'], sig: 'A'.repeat(86) }), 'weak_key')
  })

  it('is not opened by an answer that was meant for another server, registry or neighborhood', async () => {
    const answer = await world.answer(1, device)
    expectProblem(await world.session(answer, 2), 'challenge_expired')
    const { chainId, serverRegistry, neighborhood } = world.ref
    const here = { chainId, serverRegistry, neighborhood }
    for (const other of [
      { ...here, neighborhood: '2' },
      { ...here, chainId: 1 },
      { ...here, serverRegistry: '0xbb' },
    ]) {
      const sig = await world.sign(device, sessionBytes(other, { server: 1, ...answer }))
      expectProblem(await world.session({ ...answer, sig }), 'invalid_signature')
    }
    const sig = await world.sign(device, sessionBytes(world.ref, { server: 2, ...answer }))
    expectProblem(await world.session({ ...answer, sig }), 'invalid_signature')
  })

  it('is not opened by an answer that comes too late, nor by a challenge that nobody gave', async () => {
    const answer = await world.answer(1, device)
    expectProblem(await world.session({ ...answer, challenge: 'a.b.c' }), 'challenge_expired')
    const { token } = await world.open(1, device)
    expectProblem(await world.session({ ...answer, challenge: token }), 'challenge_expired')
    world.advance(limits.challengeMs)
    expectProblem(await world.session(answer), 'challenge_expired')
  })

  it('holds at its server, until its time is over', async () => {
    const { token } = await world.open(1, device)
    expectProblem(await world.use(token, 2), 'unauthorized')
    expect((await world.use(token)).status).toBe(200)
    world.advance(3_600_000)
    expectProblem(await world.use(token), 'token_expired')
  })

  it.each([
    ['is none', 'x'],
    ['is signed by nobody', 'eyJhbGciOiJub25lIn0.e30.'],
    ['belongs to another scheme', undefined],
  ])('is needed where a token %s', async (_, token) => {
    const headers = token === undefined ? { authorization: 'Basic eDp5' } : bearer(token)
    expectProblem(await world.call(1, '/channels', { headers }), 'unauthorized')
  })

  it('is not had by a token that was changed, or a challenge', async () => {
    const { token } = await world.open(1, device)
    const [header, payload = '', signature] = token.split('.')
    const claims = JSON.parse(Buffer.from(payload, 'base64url').toString()) as object
    const changed = Buffer.from(JSON.stringify({ ...claims, sub: (await testSigner()).key })).toString('base64url')
    expectProblem(await world.use(`${header}.${changed}.${signature}`), 'unauthorized')
    const { json } = await world.session({ key: device.key })
    expectProblem(await world.use(String(json['challenge'])), 'unauthorized')
  })

  it('is not opened by who does not serve', async () => {
    const answer = await world.answer(1, device)
    world.registry.set(world.registry.servers().map((server) => ({ ...server, status: 'exiting' as const })))
    for (const body of [{ key: device.key }, answer]) expectProblem(await world.session(body), 'not_serving')
    expectProblem(await world.call(1, '/session/revocation', { body: {} }), 'not_serving')
  })

  it('is ended by its bearer', async () => {
    const { token } = await world.open(1, device)
    const other = await world.open(1, device)
    expectProblem(await world.call(1, '/session', { method: 'DELETE' }), 'unauthorized')
    const ended = await world.call(1, '/session', { method: 'DELETE', headers: bearer(token) })
    expect(ended.status).toBe(204)
    expectProblem(await world.use(token), 'unauthorized')
    expectProblem(await world.call(1, '/session', { method: 'DELETE', headers: bearer(token) }), 'unauthorized')
    expect((await world.use(other.token)).status).toBe(200)
  })

  it('can be used by pages of other origins', async () => {
    const asked = {
      origin: 'https://page.example',
      'access-control-request-method': 'DELETE',
      'access-control-request-headers': 'authorization,dred-capability',
    }
    const { headers } = await world.call(1, '/session', { method: 'OPTIONS', headers: asked })
    expect(headers.get('access-control-allow-methods')).toContain('DELETE')
    expect(headers.get('access-control-allow-headers')).toBe('authorization,dred-capability')
    const refused = await world.call(1, '/session', { method: 'DELETE', headers: { origin: 'https://page.example' } })
    expect(refused.headers.get('access-control-expose-headers')).toContain('www-authenticate')
  })
})

describe('a session of a wallet', () => {
  it.each(['account', 'contract', 'undeployed'] as const)('is opened at every server by one delegation of the %s', async (kind) => {
    const { [kind]: wallet } = ground.contracts
    const delegation = await world.delegate(wallet, device)
    for (const server of [1, 2]) {
      const session = await world.open(server, device, delegation)
      expect(session.wallet).toBe(wallet.address.toLowerCase())
      expect((await world.use(session.token, server)).status).toBe(200)
    }
  })

  it('ends with its delegation', async () => {
    const expiresAt = world.now() + 60_000
    const { token } = await world.open(1, device, await world.delegate(ground.contracts.account, device, { expiresAt }))
    expect((await world.use(token)).status).toBe(200)
    world.advance(60_000)
    expectProblem(await world.use(token), 'token_expired')
  })

  const open = async (delegation: object) => world.session({ ...(await world.answer(1, device)), delegation })

  it('is refused where the delegation does not hold', async () => {
    const { account, contract } = ground.contracts
    const refused = async (delegation: object, reason: RegExp): Promise<void> => {
      const answer = await open(delegation)
      expectProblem(answer, 'delegation_refused')
      expect(answer.json['detail']).toMatch(reason)
    }
    const delegation = await world.delegate(account, device)
    await refused(await world.delegate(account, await testSigner()), /device key/)
    await refused({ ...delegation, message: delegation.message.replace('Version: 1', 'Version: 2') }, /version 1/)
    await refused({ ...delegation, message: delegation.message.replace('act', 'rest') }, /did not sign/)
    await refused({ ...(await world.delegate(contract, device)), signature: delegation.signature }, /did not sign/)
    const past = { issuedAt: world.now() - 2_000, expiresAt: world.now() - 1_000 }
    await refused(await world.delegate(account, device, past), /expired/)
    expect((await open(delegation)).status).toBe(201)
  })

  it('is refused from other domains than the operator takes', async () => {
    const strict = await World.start(ground, { domains: ['chess.example'] })
    const delegation = await strict.delegate(ground.contracts.account, device)
    const answer = await strict.call(1, '/session', { body: { ...(await strict.answer(1, device)), delegation } })
    expectProblem(answer, 'delegation_refused')
    expect((await strict.call(1, '/.well-known/dred')).json['identity']).toMatchObject({ domains: ['chess.example'] })
    await strict.close()
  })

  it('waits for the chain where only that can tell', async () => {
    world.rpc.down = true
    const delegation = await world.delegate(ground.contracts.undeployed, device)
    expectProblem(await open(delegation), 'chain_unavailable')
    world.rpc.down = false
    expect((await open(delegation)).status).toBe(201)
  })

  it('asks the chain once for a delegation', async () => {
    const delegation = await world.delegate(ground.contracts.contract, device)
    await Promise.all([open(delegation), open(delegation), open(delegation)])
    const { calls } = world.rpc
    expect(calls).toBeGreaterThan(0)
    const { json } = await open(delegation)
    for (let n = 0; n < 20; n++) await world.use(String(json['token']))
    expect(world.rpc.calls).toBe(calls)
  })
})
