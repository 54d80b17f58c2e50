import { type ErrorCode, type Gate, limits, type Revocation, revocationText, type Signer, signGenesis, signMessage } from '@dred/protocol'
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest'
import { noChain } from '../testing/no-chain.ts'
import { testSigner } from '../testing/test-node.ts'
import { StreamReader } from '../testing/stream-client.ts'
import { Capabilities } from './capabilities.ts'
import { ServerTokens, type TokenType } from './server-tokens.ts'
import { type Answer, bearer, expectProblem, prepareGround, World } from './testing/world.ts'

const ground = await prepareGround()
const { contracts } = ground
await contracts.mint('token', contracts.account.address, 100n)
await contracts.mint('nft', contracts.account.address, 7n)
await contracts.mint('token', contracts.undeployed.address, 100n)

let world: World
let device: Signer
let token: string
let channel: string

const lower = (address: string) => address.toLowerCase() as `0x${string}`

beforeEach(async () => {
  world = await World.start(ground)
  ;({ device, token } = await world.openFor(ground.contracts.account))
  channel = await create({ contract: lower(ground.contracts.token), min: '100' })
}, 30_000)
afterEach(() => world.close())
afterAll(() => ground.chain.close())

async function genesisOf(gate: Partial<Gate>, access: 'open' | 'token' = 'token') {
  const chosen: Gate = { standard: 'erc20', contract: lower(ground.contracts.token), min: '1', chainId: 31_337, ...gate }
  const salt = crypto.getRandomValues(new Uint8Array(16))
  const fields = { neighborhood: '1', createdAt: world.now(), salt, access }
  return signGenesis(device, access === 'token' ? { ...fields, gate: chosen } : fields)
}

/** @returns the id of a channel with this gate, at both servers */
async function create(gate: Partial<Gate>, access: 'open' | 'token' = 'token'): Promise<string> {
  const { id, genesis } = await genesisOf(gate, access)
  for (const server of [1, 2]) {
    const { status, json } = await world.call(server, `/channel/${id}`, { method: 'PUT', body: genesis })
    if (status > 201) throw new Error(JSON.stringify(json))
  }
  return id
}

const ask = (headers: Record<string, string> = bearer(token), id = channel, server = 1) =>
  world.call(server, `/channel/${id}/capability`, { method: 'POST', headers })

async function capabilityFor(id = channel, server = 1): Promise<string> {
  const { json } = await ask(bearer(token), id, server)
  return String(json['capability'])
}

const read = (headers: Record<string, string> = {}, server = 1, id = channel) => world.call(server, `/channel/${id}/messages`, { headers })

let said = 0
async function write(headers: Record<string, string> = {}, signer = device, server = 1): Promise<Answer> {
  const { signed } = await signMessage(signer, channel, { message: ++said, sentAt: world.now() })
  return world.call(server, `/channel/${channel}`, { body: signed, headers })
}

describe('a channel with a token gate', () => {
  it('has a gate that its servers can judge', async () => {
    const put = async (gate: Partial<Gate>) => {
      const { id, genesis } = await genesisOf(gate)
      return world.call(1, `/channel/${id}`, { method: 'PUT', body: genesis })
    }
    expect((await put({})).status).toBe(201)
    expectProblem(await put({ chainId: 1 }), 'channel_unsupported', /chain 31337/)
  })

  it('is described to all, and read and written by nobody without a capability', async () => {
    expect((await world.call(1, `/channel/${channel}`)).json['genesis']).toMatchObject({ access: 'token', gate: { min: '100' } })
    expectProblem(await read(), 'unauthorized')
    expectProblem(await read(bearer(token)), 'capability_needed')
    expectProblem(await write(), 'capability_needed')
    expectProblem(await write(bearer(token)), 'capability_needed')
    expectProblem(await world.call(1, `/channel/${channel}/stream`), 'unauthorized')
  })

  it.each(['erc20', 'erc721'] as const)('is open to who holds enough of an %s token', async (standard) => {
    channel = await create(standard === 'erc721' ? { standard, contract: lower(ground.contracts.nft), min: '1' } : { standard, min: '100' })
    const answer = await ask()
    expect(answer).toMatchObject({ status: 201, json: { block: world.registry.block } })
    expect(Math.abs(Number(answer.json['expiresAt']) - world.now() - 600_000)).toBeLessThan(5_000)
    const headers = bearer(token, String(answer.json['capability']))
    expect((await write(headers)).status).toBe(201)
    const page = await read(headers)
    expect(page.status).toBe(200)
    expect(page.json['items']).toHaveLength(1)
    const reader = await StreamReader.open(`${world.url(1)}/channel/${channel}/stream?from=start`, headers)
    await reader.until(({ messages }) => messages.length === 1)
    reader.stop()
  })

  it('is open to a wallet that is not deployed', async () => {
    ;({ device, token } = await world.openFor(ground.contracts.undeployed))
    expect((await read(bearer(token, await capabilityFor()))).status).toBe(200)
  })

  it('is open at every server by a capability of one', async () => {
    const capability = await capabilityFor()
    expectProblem(await write({}, device, 2), 'capability_needed')
    expect((await write({ 'dred-capability': capability }, device, 2)).status).toBe(201)
    const there = await world.open(2, device)
    expect((await read(bearer(there.token, capability), 2)).status).toBe(200)
  })

  it('costs no call to the chain, nor the capability, for further messages', async () => {
    const headers = bearer(token, await capabilityFor())
    expect((await write(headers)).status).toBe(201)
    const { calls } = world.rpc
    expect(calls).toBeGreaterThan(0)
    world.rpc.down = true
    for (let n = 0; n < 10; n++) {
      expect((await write()).status).toBe(201)
      expect((await read(bearer(token))).status).toBe(200)
    }
    expect(world.rpc.calls).toBe(calls)
  })

  it('is closed again when the capability has ended', async () => {
    const headers = bearer(token, await capabilityFor())
    expect((await write(headers)).status).toBe(201)
    world.advance(600_000)
    expectProblem(await write(), 'capability_needed')
    expectProblem(await write(headers), 'capability_needed', /expired/)
    expectProblem(await read(headers), 'capability_needed', /expired/)
  })

  it('is streamed as long as a capability holds', async () => {
    const open = (capability: string) => StreamReader.open(`${world.url(1)}/channel/${channel}/stream`, bearer(token, capability))
    const ended = async (reader: StreamReader, code: ErrorCode): Promise<void> => {
      await reader.until(({ events }) => events.some((event) => event.type === 'error' && event.code === code))
      await reader.ended
    }
    const reader = await open(await capabilityFor())
    await reader.untilCaughtUp()
    world.advance(550_000)
    const next = await capabilityFor()
    expect((await write({ 'dred-capability': next })).status).toBe(201)
    world.advance(500_000)
    expect((await write()).status).toBe(201)
    await reader.until(({ messages }) => messages.length === 2)
    const { length } = reader.events
    await reader.until(({ events }) => events.length > length + 5)
    expect(reader.events.every(({ type }) => type !== 'error')).toBe(true)
    world.advance(101_000)
    await ended(reader, 'capability_needed')

    const another = await open(await capabilityFor())
    await another.untilCaughtUp()
    const revocation = { wallet: lower(ground.contracts.account.address), revokedAt: world.now(), by: 'wallet' } as const
    const sig = await ground.contracts.account.sign(revocationText(world.ref, revocation))
    await world.call(1, '/session/revocation', { body: { ...revocation, sig } })
    await ended(another, 'delegation_revoked')
  })

  it('is closed again when the wallet takes its delegation back', async () => {
    const { account } = ground.contracts
    const capability = await capabilityFor()
    expect((await write({ 'dred-capability': capability })).status).toBe(201)
    const revocation: Omit<Revocation, 'sig'> = { wallet: lower(account.address), revokedAt: world.now(), by: 'wallet' }
    const sig = await account.sign(revocationText(world.ref, revocation))
    expect((await world.call(1, '/session/revocation', { body: { ...revocation, sig } })).status).toBe(200)
    expectProblem(await write(), 'delegation_revoked')
    expectProblem(await write({ 'dred-capability': capability }), 'delegation_revoked')
    await expect.poll(async () => (await write({ 'dred-capability': capability }, device, 2)).json['code']).toBe('delegation_revoked')
    expectProblem(await ask(), 'delegation_revoked')
  })

  it('is open to the device of the capability only', async () => {
    const capability = await capabilityFor()
    const stranger = await testSigner()
    expectProblem(await write(bearer(token, capability), stranger), 'capability_needed', /another device/)
    const its = await world.open(1, stranger)
    expectProblem(await read(bearer(its.token, capability)), 'capability_needed', /another device/)
    expectProblem(await read({ 'dred-capability': capability }), 'unauthorized')
    expect((await write(bearer(its.token, capability))).status).toBe(201)
  })

  it('is not opened by what is no capability for it', async () => {
    const other = await create({ min: '1' })
    expectProblem(await read(bearer(token, await capabilityFor(other))), 'capability_needed', /another channel/)
    expectProblem(await read(bearer(token, token)), 'capability_needed', /not one of a server/)
    expectProblem(await read(bearer(token, 'x')), 'capability_needed', /not one of a server/)
    const tokens = new ServerTokens({ registry: world.registry, self: { id: 2 }, key: world.key(2), now: world.now })
    const claims = { channel, wallet: lower(ground.contracts.account.address), delegatedAt: world.now(), verbs: ['read'] }
    const signed = async (fields: object, lifeMs = 60_000, type: TokenType = 'capability') =>
      (await tokens.sign(type, { sub: device.key, ...claims, ...fields }, lifeMs)).token
    expectProblem(await read(bearer(token, await signed({}, limits.capabilityMs.max + 1_000))), 'capability_needed', /too long/)
    expectProblem(await read(bearer(token, await signed({}, 60_000, 'session'))), 'capability_needed', /not one of a server/)
    for (const fields of [{ wallet: undefined }, { wallet: 1 }, { delegatedAt: '1' }, { verbs: 'read' }, { verbs: undefined }]) {
      expectProblem(await read(bearer(token, await signed(fields))), 'capability_needed', /says too little/)
    }
    const fast = { registry: world.registry, self: { id: 2 }, key: world.key(2), now: () => world.now() + limits.delegationMs }
    const dated = await new ServerTokens(fast).sign('capability', { sub: device.key, ...claims }, 60_000)
    expectProblem(await read(bearer(token, dated.token)), 'capability_needed', /too long/)
    const readOnly = await signed({})
    expectProblem(await write(bearer(token, readOnly)), 'capability_needed', /not one to write/)
    expect((await read(bearer(token, readOnly))).status).toBe(200)
  })
})

describe('a capability', () => {
  it('is given to the device of a wallet', async () => {
    expectProblem(await ask({}), 'unauthorized')
    const plain = await world.open(1, await testSigner())
    expectProblem(await ask(bearer(plain.token)), 'unauthorized', /delegation/)
  })

  it('is for a channel with a token gate, that is known', async () => {
    expectProblem(await ask(bearer(token), await create({}, 'open')), 'malformed_request', /no token gate/)
    expectProblem(await ask(bearer(token), 'A'.repeat(43)), 'unknown_channel')
    expectProblem(await ask(bearer(token), 'x'), 'malformed_request')
  })

  it('is not given to who holds too little, at that block', async () => {
    const { contracts } = ground
    const { block } = world.registry
    channel = await create({ min: '101' })
    expectProblem(await ask(), 'gate_not_met', /holds 100 at block/)
    await contracts.mint('token', contracts.account.address, 1n)
    expectProblem(await ask(), 'gate_not_met')
    await world.seeBlock()
    expect(await ask()).toMatchObject({ status: 201, json: { block: block + 1 } })
    channel = await create({ contract: `0x${'12'.repeat(20)}` })
    expectProblem(await ask(), 'gate_not_met', /no balance/)
  })

  it('is not given for a gate on another chain, whoever made that channel known', async () => {
    const tokens = new ServerTokens({ registry: world.registry, self: { id: 1 }, key: world.key(1), now: world.now })
    const capabilities = new Capabilities({ tokens, wallets: noChain, registry: world.registry, settings: { capabilityMs: 600_000 } })
    const caller = { device: device.key, wallet: lower(ground.contracts.account.address), delegatedAt: world.now() }
    const issued = capabilities.issue(await genesisOf({ chainId: 1 }), caller)
    await expect(issued).rejects.toMatchObject({ code: 'channel_unsupported' })
  })

  it('is not given by who does not serve', async () => {
    world.registry.set(world.registry.servers().map((server) => ({ ...server, status: 'exiting' as const })))
    expectProblem(await ask(), 'not_serving')
  })

  it('waits for the chain', async () => {
    world.rpc.down = true
    expectProblem(await ask(), 'chain_unavailable')
    world.rpc.down = false
    expect((await ask()).status).toBe(201)
    world.registry.isFresh = false
    expectProblem(await ask(), 'chain_unavailable')
  })

  it('costs one call for each block, however many ask', async () => {
    const { calls } = world.rpc
    const answers = await Promise.all(Array.from({ length: 10 }, () => ask()))
    expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 10 }, () => 201))
    expect(world.rpc.calls).toBe(calls + 1)
  })
})
