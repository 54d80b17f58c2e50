// Runs the built program against a real chain and a real server: `tsc -b` first.
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { loadServerKey } from '@dred/node'
import { createTestClient, http, zeroAddress, zeroHash } from 'viem'
import { tokenInfo } from './services/chain.ts'
import { createNeighborhood } from './services/neighborhoods.ts'
import { attestersOf, defaultParameters } from './services/parameters.ts'
import { registerServer } from './services/register.ts'
import { createServerKey } from './services/server-key.ts'
import type { Step } from './steps.ts'
import { type Harness, killSpawned, spawnDred, startHarness } from './testing/harness.ts'
import { freePort } from '../../node/src/testing/free-port.ts'

// Every command is a process; two cores run a few of them a second. What a test starts from is therefore made without one.
vi.setConfig({ testTimeout: 180_000, hookTimeout: 90_000 })

const DAY = 86_400

let harness: Harness
let dred: Harness['dred']
let neighborhood: string
let attesters: { account: string; file: string; keyId: string }[]

beforeAll(async () => {
  harness = await startHarness(3)
  dred = harness.dred
  attesters = await Promise.all(
    ['first', 'second'].map(async (name) => {
      const keyId = await newKey(`${name}.pem`)
      return { account: harness.keys.owner.address, file: `${name}.pem`, keyId }
    }),
  )
  const [first, second] = attesters
  if (!first || !second) throw new Error('There are two attesters')
  second.account = harness.keys.deployer.address
})
beforeEach(async () => {
  neighborhood = await makeNeighborhood()
})
afterEach(killSpawned)
afterAll(() => harness.close())

async function run(steps: readonly Step[]): Promise<void> {
  for (const step of steps) await step.run()
}

const LEAST_STAKE = 10n ** 18n

/** Of two attesters, both of whom have to agree. */
async function makeNeighborhood(): Promise<string> {
  const { deployed, deployment, keys } = harness
  const neighborhood = {
    name: 'test',
    uri: '',
    contentHash: zeroHash,
    parameters: { ...defaultParameters, stakeToken: deployment.stakeToken, minStake: LEAST_STAKE, redundancy: 1 },
    admission: { mode: 0, gateToken: zeroAddress, gateBalance: 0n },
    guardian: zeroAddress,
    attesters: await attestersOf(attesters.map(({ account, keyId }) => `${account}:${keyId}`)),
  }
  const { steps, result } = createNeighborhood(deployed, keys.owner, { neighborhood, discovery: [] })
  await run(steps)
  return result().id
}

async function succeed(...args: string[]): Promise<Record<string, unknown>> {
  const outcome = await dred(...args, '--json')
  expect(outcome).toMatchObject({ code: 0 })
  return JSON.parse(outcome.stdout) as Record<string, unknown>
}

async function newKey(file: string): Promise<string> {
  return (await createServerKey(join(harness.directory, file))).keyId
}

/** @returns the document on stdout */
async function fail(code: number, args: string[], message: RegExp): Promise<Record<string, unknown>> {
  const outcome = await dred(...args, '--json')
  expect(outcome).toMatchObject({ code, stderr: expect.stringMatching(message) })
  return JSON.parse(outcome.stdout) as Record<string, unknown>
}

const wallet = (operator: number) => ['--wallet', join(harness.directory, 'keys', `operator-${operator}.json`)]
/** Numbers follow the accounts, which are random. */
const numberOf = (attester: number) => {
  const accounts = attesters.map(({ account }) => BigInt(account)).sort((a, b) => (a < b ? -1 : 1))
  return 1 + accounts.indexOf(BigInt(attesters[attester]?.account ?? 0))
}
const by = (attester: number) => ['--attester-key', attesters[attester]?.file ?? '']

interface TestServer {
  id: number
  port: number
  endpoint: string
  key: string
}

let made = 0

/** Registers a server of the first operator, which does not run yet. */
async function register(options: { operator?: number; port?: number } = {}): Promise<TestServer> {
  const { operator = 1, port = await freePort() } = options
  const [endpoint, key] = [`http://127.0.0.1:${port}`, `server-${++made}.pem`]
  await newKey(key)
  const { deployed, deployment, directory, keys } = harness
  const account = keys.operators[operator - 1]?.wallet
  if (!account) throw new Error(`There is no operator ${operator}`)
  const { steps, result } = await registerServer(deployed, account, {
    neighborhood: Number(neighborhood),
    key: await loadServerKey(join(directory, key)),
    endpoint,
    did: `did:pkh:eip155:${deployed.chainId}:${account.address}`,
    payout: account.address,
    stake: LEAST_STAKE,
    minStake: LEAST_STAKE,
    token: await tokenInfo(deployed.client, deployment.stakeToken),
    discovery: [],
  })
  await run(steps)
  return { id: result().id, port, endpoint, key }
}

/** Runs a registered server until the test ends. */
async function serve({ port, key }: Pick<TestServer, 'port' | 'key'>): Promise<ChildProcess> {
  const ports = ['--port', String(port), '--admin-port', String(await freePort())]
  const store = join(harness.directory, `${key}-${port}.db`)
  const child = spawnDred(harness.directory, ['serve', '--neighborhood', neighborhood, '--key-file', key, '--store', store, ...ports])
  child.stderr.resume()
  await once(createInterface({ input: child.stdout }), 'line')
  return child
}

/** Both attesters, the second of whom sends. */
async function attest(...servers: TestServer[]): Promise<Record<string, unknown>> {
  const ids = servers.map(({ id }) => String(id))
  const { votesFile } = await succeed('compliance', 'attest', ...ids, ...by(0))
  return succeed('compliance', 'attest', '--votes', String(votesFile), ...by(1))
}

const shown = async (id: number) => {
  const { servers } = (await succeed('compliance', 'status', neighborhood)) as { servers: { server: number }[] }
  return servers.find(({ server }) => server === id)
}

async function pass(seconds: number): Promise<void> {
  const client = createTestClient({ mode: 'hardhat', transport: http(harness.rpcUrl) })
  await client.increaseTime({ seconds })
  await client.mine({ blocks: 1 })
}

describe('attesting', () => {
  test('a server that runs is examined, voted for by one, then by the other, and is active', async () => {
    const server = await register()
    await serve(server)
    const checked = await succeed('compliance', 'check', String(server.id))
    expect(checked).toMatchObject({ server: server.id, passed: true, endpoint: server.endpoint, spkiHash: `0x${'0'.repeat(64)}` })

    const voted = await succeed('compliance', 'attest', String(server.id), ...by(0), '--out', 'first.json')
    expect(voted).toMatchObject({ round: 1, threshold: 2, attested: [], votesFile: 'first.json', refused: [] })
    expect(voted['voted']).toEqual([
      expect.objectContaining({ server: server.id, votes: [numberOf(0)], reportHash: checked['reportHash'] }),
    ])
    expect(await shown(server.id)).toMatchObject({ status: 'pending', validUntil: null })

    const attested = await succeed('compliance', 'attest', '--votes', 'first.json', ...by(1))
    expect(attested).toMatchObject({ voted: [], refused: [], attested: [{ server: server.id }] })
    const taken = ['register', '--neighborhood', neighborhood, '--endpoint', server.endpoint, ...wallet(2)]
    await newKey('taken.pem')
    await fail(3, [...taken, '--key-file', 'taken.pem'], /has this endpoint already/)
    const status = await succeed('compliance', 'status', neighborhood)
    expect(status).toMatchObject({ healthy: true, activeServers: 1, round: { number: 1, threshold: 2, eligible: 2, open: true } })
    expect(await shown(server.id)).toMatchObject({ status: 'active', endpoint: server.endpoint })
    expect(await succeed('server', 'status', String(server.id))).toMatchObject({
      status: 'active',
      ticks: [{ ok: true }, { ok: true }, { ok: true }],
    })
  })

  test('all servers of a neighborhood go in one transaction', async () => {
    const servers = [await register(), await register({ operator: 2 })]
    await Promise.all(servers.map(serve))
    await succeed('compliance', 'attest', '--all', '--neighborhood', neighborhood, ...by(0), '--out', 'all.json')
    const { attested } = (await succeed('compliance', 'attest', '--votes', 'all.json', ...by(1))) as { attested: { transaction: string }[] }
    expect(attested).toHaveLength(2)
    expect(new Set(attested.map(({ transaction }) => transaction)).size).toBe(1)
  })

  test('a server that does not run gets no vote, and no round is opened for it', async () => {
    const server = await register()
    const checked = await fail(6, ['compliance', 'check', String(server.id)], /fails 11 of 12 checks/)
    expect(checked).toMatchObject({ passed: false })
    await fail(6, ['compliance', 'attest', String(server.id), ...by(0)], /got no vote/)
    expect(await succeed('compliance', 'status', neighborhood)).toMatchObject({ round: null })
    await fail(6, ['server', 'status', String(server.id)], /not attested, not reachable/)
    await fail(6, ['server', 'status', '--key-file', server.key], new RegExp(`Server ${server.id} is not attested`))
    await fail(6, ['server', 'status', '--key-file', attesters[0]?.file ?? ''], /is that of no server/)
    await fail(2, ['server', 'status'], /the id of the server/)
  })

  test('a server that answers with another key than the registered one fails', async () => {
    const server = await register()
    const other = await register({ port: server.port })
    await serve({ port: server.port, key: other.key })
    const { checks } = (await fail(6, ['compliance', 'check', String(server.id)], /fails 2 of 12/)) as {
      checks: { name: string; passed: boolean }[]
    }
    expect(checks.filter(({ passed }) => !passed).map(({ name }) => name)).toEqual([
      'names its server, key, chain and neighborhood',
      'signs a fresh challenge with the server key',
    ])
  })

  test('a key that is no attester, an own server and votes that were changed are refused', async () => {
    const server = await register()
    await serve(server)
    await fail(4, ['compliance', 'attest', String(server.id), '--attester-key', server.key], /attester/)
    await fail(2, ['compliance', 'attest', 'all', ...by(0)], /The id of a server is a number/)
    await fail(2, ['compliance', 'attest', '--neighborhood', neighborhood, ...by(0)], /Say which servers/)
    await succeed('compliance', 'attest', String(server.id), ...by(0), '--out', 'mine.json')

    const file = join(harness.directory, 'mine.json')
    const votes = JSON.parse(await readFile(file, 'utf8')) as { ballots: { validUntil: number }[] }
    for (const ballot of votes.ballots) ballot.validUntil -= 1
    await writeFile(join(harness.directory, 'changed.json'), JSON.stringify(votes))
    await fail(6, ['compliance', 'attest', '--votes', 'changed.json', ...by(1)], /attester \d did not sign/)
    await writeFile(join(harness.directory, 'nonsense.json'), '{}')
    await fail(6, ['compliance', 'attest', '--votes', 'nonsense.json', ...by(1)], /no file of votes/)
    // The attester's account operates this one.
    const key = 'own.pem'
    await newKey(key)
    const own = await freePort()
    const args = ['--neighborhood', neighborhood, '--endpoint', `http://127.0.0.1:${own}`, '--key-file', key]
    const { server: id, status } = await succeed('register', ...args)
    expect(status).toBe('pending')
    await serve({ port: own, key })
    const refused = await fail(6, ['compliance', 'attest', String(id), ...by(0)], /nobody attests a server of its own/)
    expect(refused).toMatchObject({ attested: [], voted: [], refused: [{ server: id, code: 'own_server' }] })
  })

  test('votes are never written over, but where they are put together', async () => {
    const server = await register()
    await serve(server)
    const id = String(server.id)
    await writeFile(join(harness.directory, 'kept.json'), 'kept')
    expect(await fail(1, ['compliance', 'attest', id, ...by(0), '--out', 'kept.json'], /exists already/)).toMatchObject({
      error: { code: 'file_exists' },
    })
    expect(await readFile(join(harness.directory, 'kept.json'), 'utf8')).toBe('kept')
    expect(await succeed('compliance', 'status', neighborhood)).toMatchObject({ round: null })
    const name = `votes-${neighborhood}-1`
    expect(await succeed('compliance', 'attest', id, ...by(0))).toMatchObject({ votesFile: `${name}.json` })
    expect(await succeed('compliance', 'attest', id, ...by(0))).toMatchObject({ votesFile: `${name}-2.json` })
    const again = ['--votes', `${name}.json`, '--out', `${name}.json`]
    expect(await succeed('compliance', 'attest', ...again, ...by(0))).toMatchObject({ votesFile: `${name}.json` })
  })

  test('a vote that would not end later than the present attestation is refused before it is signed', async () => {
    const server = await register()
    await serve(server)
    await succeed('compliance', 'attest', String(server.id), ...by(0), '--out', `early-${server.id}.json`)
    await pass(10)
    await attest(server)
    const late = await fail(6, ['compliance', 'attest', '--votes', `early-${server.id}.json`, ...by(1)], /is attested until .* already/)
    expect(late).toMatchObject({ attested: [], refused: [{ code: 'not_newer', reason: expect.stringContaining('without them') }] })
    await succeed('neighborhood', 'parameters', 'stage', neighborhood, '--attestation', '1h')
    await pass(7 * DAY)
    await succeed('neighborhood', 'parameters', 'apply', neighborhood)
    const vain = await fail(6, ['compliance', 'attest', String(server.id), ...by(0)], /is attested until .* already.*renew it later/)
    expect(vain).toMatchObject({ voted: [], votesFile: null, refused: [{ code: 'not_newer' }] })
    expect(await succeed('compliance', 'status', neighborhood)).toMatchObject({ round: { number: 1 } })
  })

  test('votes of a round that is over count no more', async () => {
    const server = await register()
    await serve(server)
    await succeed('compliance', 'attest', String(server.id), ...by(0), '--out', 'old.json')
    await pass(3_700)
    await fail(6, ['compliance', 'attest', '--votes', 'old.json', ...by(1)], /Round 1 is closed/)
    expect(await attest(server)).toMatchObject({ round: 2, attested: [{ server: server.id }] })
  })

  test('the seat of an active server is held', async () => {
    const appointed = attesters.flatMap(({ account, keyId }) => ['--attester', `${account}:${keyId}`])
    const created = [
      'neighborhood',
      'create',
      '--name',
      'test',
      '--min-stake',
      '1',
      '--redundancy',
      '1',
      ...appointed,
      '--max-servers',
      '1',
    ]
    neighborhood = String((await succeed(...created))['id'])
    const server = await register()
    await serve(server)
    await attest(server)
    const key = `late-${neighborhood}.pem`
    await newKey(key)
    const late = ['register', '--neighborhood', neighborhood, '--key-file', key, ...wallet(2), '--endpoint', 'http://127.0.0.1:1']
    expect(await fail(3, late, /has its 1 active server already/)).toMatchObject({ error: { code: 'neighborhood_full' } })
  })

  test('what has lapsed is pruned', async () => {
    const server = await register()
    await serve(server)
    await attest(server)
    expect(await succeed('compliance', 'prune', '--neighborhood', neighborhood)).toMatchObject({ pruned: [] })
    await pass(31 * DAY)
    expect(await shown(server.id)).toMatchObject({ status: 'lapsed' })
    expect(await succeed('compliance', 'status', neighborhood)).toMatchObject({ healthy: false, activeServers: 0 })
    expect(await succeed('compliance', 'prune', '--neighborhood', neighborhood)).toMatchObject({ pruned: [server.id] })
    expect(await shown(server.id)).toMatchObject({ status: 'pending' })
  })
})

describe('operating', () => {
  test('an active server moves when attesters find it at its new endpoint, under a new key', async () => {
    const server = await register()
    await serve(server)
    await attest(server)
    const id = String(server.id)
    const next = { port: await freePort(), key: `next-${id}.pem` }
    const keyId = await newKey(next.key)
    await fail(
      3,
      ['server', 'rotate-key', id, '--new-key-file', next.key, '--overlap', '2d', ...wallet(1)],
      /accepted for 1 d at most, not 2 d/,
    )
    await fail(3, ['server', 'rotate-key', id, '--new-key-file', next.key, ...wallet(2)], /Only the operator/)
    expect(await succeed('server', 'rotate-key', id, '--new-key-file', next.key, '--overlap', '1h', ...wallet(1))).toMatchObject({ keyId })
    await fail(3, ['server', 'rotate-key', id, '--new-key-file', server.key, ...wallet(1)], /no key is used twice/)
    const { ticks } = (await succeed('server', 'status', id)) as { ticks: { name: string; detail: string }[] }
    expect(ticks.find(({ name }) => name === 'reachable')?.detail).toMatch(/by its former key .*restart the server with its new key/)

    const moved = `http://127.0.0.1:${next.port}`
    const update = ['server', 'update', id, '--endpoint', moved, '--did', 'did:web:next.example', ...wallet(1)]
    expect(await succeed(...update)).toMatchObject({ endpoint: server.endpoint, proposedEndpoint: moved })
    await serve(next)
    const attested = [{ server: server.id, endpoint: moved, movesFrom: server.endpoint, missed: null }]
    expect(await attest(server)).toMatchObject({ attested })
    expect(await shown(server.id)).toMatchObject({ status: 'active', endpoint: moved })
    const { servers } = await succeed('neighborhood', 'show', neighborhood)
    expect(servers).toEqual([expect.objectContaining({ endpoint: moved, proposedEndpoint: null, did: 'did:web:next.example', keyId })])
  })

  test('a move that does not answer yet does not cost the present endpoint its attestation', async () => {
    const server = await register()
    await serve(server)
    await attest(server)
    const wanted = `http://127.0.0.1:${await freePort()}`
    await succeed('server', 'update', String(server.id), '--endpoint', wanted, ...wallet(1))
    const missed = { endpoint: wanted, faults: [expect.stringContaining('ECONNREFUSED')] }
    expect(await succeed('compliance', 'check', String(server.id))).toMatchObject({ endpoint: server.endpoint, missed, movesFrom: null })
    expect(await attest(server)).toMatchObject({ attested: [{ server: server.id, endpoint: server.endpoint, missed, movesFrom: null }] })
    expect(await shown(server.id)).toMatchObject({ status: 'active', endpoint: server.endpoint })
  })

  test('the payout account changes in two steps, the server exits, and the stake is paid out after the unbonding', async () => {
    const server = await register()
    const id = String(server.id)
    const payout = harness.keys.operators[1]?.wallet.address ?? ''
    await fail(3, ['server', 'accept-payout', id, ...wallet(2)], /not offered/)
    expect(await succeed('server', 'update', id, '--payout', payout, ...wallet(1))).toMatchObject({ offeredPayout: payout })
    expect(await succeed('server', 'accept-payout', id, ...wallet(2))).toMatchObject({ payout })

    expect(await succeed('stake', 'status', id)).toMatchObject({
      stake: '1000000000000000000',
      slashPercent: 50,
      unlockAt: null,
      withdrawable: false,
    })
    await fail(3, ['stake', 'withdraw', id, ...wallet(1)], /only after an exit/)
    await fail(3, ['server', 'exit', id, ...wallet(3)], /Only the operator or the payout account/)
    const { unlockAt } = await succeed('server', 'exit', id, ...wallet(1))
    await fail(3, ['stake', 'withdraw', id, ...wallet(1)], /can be withdrawn from/)
    const sent = () => harness.deployed.client.getTransactionCount({ address: harness.keys.operators[0]?.wallet.address ?? '0x' })
    const before = await sent()
    await fail(3, ['stake', 'add', id, '--amount', '1', ...wallet(1)], /is exiting/)
    expect(await sent()).toBe(before)
    await pass(7 * DAY)
    expect(await succeed('stake', 'status', id)).toMatchObject({ unlockAt, withdrawable: true })
    expect(await succeed('stake', 'withdraw', id, ...wallet(1))).toMatchObject({ payout, amount: '1000000000000000000' })
    expect(await succeed('stake', 'status', id)).toMatchObject({ stake: '0', slashPercent: 0, withdrawable: false })
    await fail(3, ['stake', 'withdraw', id, ...wallet(1)], /has withdrawn its stake already/)
    await fail(3, ['stake', 'add', id, '--amount', '1', ...wallet(1)], /is withdrawn/)
  })
})

describe('owning', () => {
  test('parameters are announced, cancelled, and applied after the unbonding', async () => {
    const stage = ['neighborhood', 'parameters', 'stage', neighborhood]
    const apply = ['neighborhood', 'parameters', 'apply', neighborhood]
    await fail(2, stage, /--min-stake/)
    await fail(3, apply, /no announced parameters/)
    await fail(3, [...stage, '--slash-percent', '5'], /10 to 100 percent/)
    await fail(3, [...stage, '--quorum', '1/3'], /from 1\/2 to 1/)
    await succeed(...stage, '--min-stake', '2')
    await succeed('neighborhood', 'parameters', 'cancel', neighborhood)
    const { effectiveAt } = await succeed(...stage, '--unbonding', '14d', '--quorum', '1/2', '--attested-by', 'peers')
    const changed = {
      minStake: '1000000000000000000',
      unbondingSeconds: 14 * DAY,
      quorumNumerator: 1,
      quorumDenominator: 2,
      attestation: 'peers',
    }
    const view = await succeed('neighborhood', 'show', neighborhood)
    expect(view).toMatchObject({
      neighborhood: { parameters: { unbondingSeconds: 7 * DAY }, staged: { parameters: changed, effectiveAt } },
    })
    expect((await dred('neighborhood', 'show', neighborhood)).stdout).toMatch(
      /announced +unbonding 14 d, quorum 1\/2 of the attesters, from 20/,
    )
    await fail(3, apply, /can be applied from/)
    await pass(7 * DAY)
    await succeed(...apply, ...wallet(3))
    expect(await succeed('neighborhood', 'show', neighborhood)).toMatchObject({ neighborhood: { parameters: changed, staged: null } })
  })

  test('registrations are for operators on a list, for holders of a token, and paused', async () => {
    const attempt = async () => {
      const key = `door-${++made}.pem`
      await newKey(key)
      return ['register', '--neighborhood', neighborhood, '--endpoint', 'https://door.example', '--key-file', key, ...wallet(1)]
    }
    const operator = harness.keys.operators[0]?.wallet.address ?? ''
    const own = ['--neighborhood', neighborhood]
    await fail(3, ['neighborhood', 'admission', 'allowlist', ...own, ...wallet(1)], /Only the owner/)
    await succeed('neighborhood', 'admission', 'allowlist', ...own)
    await fail(3, await attempt(), /does not admit/)
    await succeed('neighborhood', 'allow', neighborhood, '--operator', operator)
    await succeed(...(await attempt()))
    await succeed('neighborhood', 'allow', '--operator', operator, '--remove', ...own)
    await fail(3, await attempt(), /does not admit/)

    const gate = ['neighborhood', 'admission', 'token-gate', ...own]
    await fail(2, gate, /--gate-token/)
    await succeed(...gate, '--gate-token', harness.deployment.stakeToken, '--gate-balance', '1')
    await succeed(...(await attempt()))
    expect(await succeed('neighborhood', 'show', neighborhood)).toMatchObject({
      neighborhood: { admission: { mode: 'token_gate', gateBalance: '1' } },
    })

    const guardian = harness.keys.operators[1]?.wallet.address ?? ''
    await fail(2, ['neighborhood', 'allow', neighborhood], /Say which operators/)
    await fail(3, ['neighborhood', 'pause', neighborhood, ...wallet(2)], /Only the owner or the guardian/)
    await succeed('neighborhood', 'guardian', neighborhood, '--to', guardian)
    await succeed('neighborhood', 'pause', neighborhood, ...wallet(2))
    expect(await succeed('neighborhood', 'show', neighborhood)).toMatchObject({ neighborhood: { registrationsPaused: true, guardian } })
    expect(await succeed('neighborhood', 'pause', neighborhood, ...wallet(2))).toEqual({
      neighborhood,
      registrationsPaused: true,
      transaction: null,
    })
    await fail(3, await attempt(), /are paused/)
    await succeed('neighborhood', 'resume', neighborhood)
    expect(await succeed('neighborhood', 'resume', neighborhood)).toMatchObject({ registrationsPaused: false, transaction: null })
    await succeed(...(await attempt()))
  })

  test('attesters are appointed anew, metadata changes, and the neighborhood gets another owner', async () => {
    const [first] = attesters
    await fail(2, ['neighborhood', 'attesters', neighborhood, '--attester', 'nobody'], /ACCOUNT:KEY/)
    await succeed('neighborhood', 'attesters', neighborhood, '--attester', `${first?.account}:${first?.file}`)
    await succeed('neighborhood', 'update', neighborhood, '--name', 'Renamed')
    const attestation = { version: 2, attesters: [{ number: 1, account: first?.account, keyId: first?.keyId }] }
    expect(await succeed('neighborhood', 'show', neighborhood)).toMatchObject({ neighborhood: { name: 'Renamed', attestation } })

    const next = harness.keys.operators[2]?.wallet.address ?? ''
    await succeed('neighborhood', 'transfer', neighborhood, '--to', next)
    await fail(3, ['neighborhood', 'accept', neighborhood], /is not offered/)
    await succeed('neighborhood', 'accept', neighborhood, ...wallet(3))
    expect(await succeed('neighborhood', 'show', neighborhood)).toMatchObject({ neighborhood: { owner: next, pendingOwner: null } })
  })
})
