// Runs the built program against a real chain: `tsc -b` first.
import { chmod, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts'
import type { LocalDeployment } from './dev/deploy.ts'
import { fund } from './dev/fund.ts'
import type { DevKeys } from './dev/keys.ts'
import type { Deployed } from './services/chain.ts'
import { runSteps } from './steps.ts'
import { type Harness, startHarness } from './testing/harness.ts'
import { freePort } from '../../node/src/testing/free-port.ts'

// Every command is a process; two cores run a few of them a second.
vi.setConfig({ testTimeout: 60_000 })

let harness: Harness
let directory: string
let keys: DevKeys
let plan: LocalDeployment
let deployed: Deployed
let dred: Harness['dred']
const rich = () => ['--wallet', join(directory, 'keys', 'operator-1.json')]

beforeAll(async () => {
  harness = await startHarness(1)
  ;({ directory, keys, deployed, dred } = harness)
  plan = harness.deployment
}, 60_000)

afterAll(() => harness.close())

async function succeed(...args: string[]): Promise<Record<string, unknown>> {
  const outcome = await dred(...args, '--json')
  expect(outcome).toMatchObject({ code: 0 })
  return JSON.parse(outcome.stdout) as Record<string, unknown>
}

/** Expects a failure that says the same on stderr and, as a document, on stdout. */
async function fail(code: number, name: string, args: string[]): Promise<string> {
  const outcome = await dred(...args, '--json')
  expect(outcome).toMatchObject({ code })
  const { error } = JSON.parse(outcome.stdout) as { error: { code: string; message: string } }
  expect(error).toMatchObject({ code: name })
  expect(outcome.stderr).toContain(error.message)
  expect(error.message).toMatch(/^[^\n]+[.?]$/)
  return error.message
}

async function newServerKey(name: string): Promise<string[]> {
  await succeed('keys', 'new', '--type', 'server', '--out', name)
  return ['--key-file', name]
}

async function newNeighborhood(minStake = '100', ...flags: string[]): Promise<string> {
  const { id } = await succeed('neighborhood', 'create', '--name', 'test', '--min-stake', minStake, ...flags)
  return String(id)
}

async function stakeOf(server: number): Promise<bigint> {
  const { serverRegistryAbi } = await import('@dred/contracts')
  const call = { address: plan.serverRegistry, abi: serverRegistryAbi, functionName: 'serverOf', args: [server] } as const
  return (await deployed.client.readContract(call)).stake
}

test('a neighborhood is created, listed and shown', async () => {
  const created = await succeed(
    'neighborhood',
    'create',
    '--name',
    'Poker',
    '--min-stake',
    '12.5',
    '--unbonding',
    '3d',
    '--redundancy',
    '2',
  )
  expect(created).toMatchObject({
    name: 'Poker',
    owner: keys.owner.address,
    parameters: { minStake: '12500000000000000000', unbondingSeconds: 259_200 },
  })
  const { items } = await succeed('neighborhood', 'list')
  expect(items).toContainEqual(expect.objectContaining({ id: created['id'], name: 'Poker', activeServers: 0, healthy: false }))
  const shown = await succeed('neighborhood', 'show', String(created['id']))
  expect(shown).toMatchObject({ neighborhood: { name: 'Poker', parameters: { redundancy: 2 } }, servers: [] })
  const human = await dred('neighborhood', 'list')
  expect(human.stdout).toMatch(/^ID +NAME +SERVERS +STATE +OWNER\n/)
})

test('a server is registered with stake, shown, and given more', async () => {
  const neighborhood = await newNeighborhood()
  const key = await newServerKey('first.pem')
  const endpoint = 'https://first.example.org'
  const registered = await succeed('register', '--neighborhood', neighborhood, '--endpoint', endpoint, '--stake', '150', ...key, ...rich())
  expect(registered).toMatchObject({ neighborhood, endpoint, operator: keys.operators[0]?.wallet.address, stake: '150000000000000000000' })
  const id = Number(registered['server'])
  expect(await stakeOf(id)).toBe(150n * 10n ** 18n)

  const added = await succeed('stake', 'add', String(id), '--amount', '0.5', ...rich())
  expect(added).toMatchObject({ server: id, stake: '150500000000000000000' })
  expect(await stakeOf(id)).toBe(1505n * 10n ** 17n)

  const { servers } = await succeed('neighborhood', 'show', neighborhood)
  expect(servers).toEqual([
    expect.objectContaining({ id, endpoint, status: 'pending', validUntil: null, stake: '150500000000000000000', did: registered['did'] }),
  ])
})

test('without --stake the least stake is taken', async () => {
  const neighborhood = await newNeighborhood('7')
  const key = await newServerKey('least.pem')
  const registered = await succeed('register', '--neighborhood', neighborhood, '--endpoint', 'https://least.example.org', ...key, ...rich())
  expect(registered['stake']).toBe('7000000000000000000')
})

test('what the registry would refuse is refused before money moves, with a sentence', async () => {
  const neighborhood = await newNeighborhood()
  const key = await newServerKey('refused.pem')
  const used = await newServerKey('used.pem')
  const base = ['register', '--neighborhood', neighborhood, ...rich()]
  await succeed(...base, '--endpoint', 'https://used.example.org', ...used)

  const before = await deployed.client.getTransactionCount({ address: keys.operators[0]?.wallet.address ?? '0x' })
  const at = (endpoint: string) => [...base, '--endpoint', endpoint]
  const free = at('https://a.example.org')
  const [tooLow] = await Promise.all([
    fail(3, 'stake_too_low', [...free, '--stake', '99', ...key]),
    fail(3, 'endpoint_invalid', [...at('https://UPPER.example.org/path'), ...key]),
    fail(3, 'did_invalid', [...free, '--did', 'nonsense', ...key]),
    fail(3, 'key_used', [...free, ...used]),
    fail(3, 'insufficient_balance', [...free, '--stake', '99999999', ...key]),
    fail(3, 'unknown_neighborhood', ['register', '--neighborhood', '4000', '--endpoint', 'https://a.example.org', ...key, ...rich()]),
  ])
  expect(tooLow).toContain('99 DRED is less')
  expect(await deployed.client.getTransactionCount({ address: keys.operators[0]?.wallet.address ?? '0x' })).toBe(before)
})

test('a registration that discovery does not show still gives its result', async () => {
  const neighborhood = await newNeighborhood()
  const key = await newServerKey('unseen.pem')
  const silent = `http://127.0.0.1:${await freePort()}`
  const endpoint = 'https://unseen.example.org'
  const args = ['register', '--neighborhood', neighborhood, '--endpoint', endpoint, ...key, ...rich(), '--discovery', silent, '--json']
  const outcome = await dred(...args)
  expect(outcome.code).toBe(75)
  const { server } = JSON.parse(outcome.stdout) as { server: number }
  expect(await stakeOf(server)).toBe(100n * 10n ** 18n)
  expect(outcome.stderr).toContain(`no discovery API answers at ${silent}`)
})

test('an account of a local chain is given ether and tokens; one of another chain nothing', async () => {
  const account = privateKeyToAccount(generatePrivateKey()).address
  const local = { rpcUrl: harness.rpcUrl, chainId: plan.chainId, stakeToken: plan.stakeToken }
  const { steps, result, describe } = fund(local, keys.deployer, { account, ether: 2n * 10n ** 18n, tokens: 5n * 10n ** 17n })
  await runSteps(steps)
  expect(result()).toEqual({ ether: 2n * 10n ** 18n, tokens: 5n * 10n ** 17n })
  expect(describe()).toBe('0.5 DRED and 2 ETH')
  const elsewhere = fund({ ...local, chainId: 1 }, keys.deployer, { account, ether: 1n, tokens: 1n })
  await expect(runSteps(elsewhere.steps)).rejects.toMatchObject({ code: 'wrong_chain', exitCode: 6 })
  expect(await deployed.client.getBalance({ address: account })).toBe(2n * 10n ** 18n)
  await fail(1, 'not_running', ['dev', 'fund', account])
  await fail(2, 'invalid_value', ['dev', 'fund', '0x12'])
})

test('stake is refused for an unknown server, beyond the balance and of nothing', async () => {
  const neighborhood = await newNeighborhood()
  const key = await newServerKey('stake.pem')
  const { server } = await succeed('register', '--neighborhood', neighborhood, '--endpoint', 'https://stake.example.org', ...key, ...rich())
  const add = ['stake', 'add', String(server)]
  const [tooMuch] = await Promise.all([
    fail(3, 'insufficient_balance', [...add, '--amount', '99999999']),
    fail(3, 'unknown_server', ['stake', 'add', '4000', '--amount', '1']),
    fail(2, 'invalid_value', [...add, '--amount', '0']),
    fail(2, 'invalid_value', [...add, '--amount', 'much']),
    fail(2, 'missing_value', add),
  ])
  expect(tooMuch).toContain('99999999 DRED')
})

test('bounds of a neighborhood are explained', async () => {
  const create = ['neighborhood', 'create', '--name', 'test', '--min-stake', '1']
  const [unbonding] = await Promise.all([
    fail(3, 'unbonding_bounds', [...create, '--unbonding', '31d']),
    fail(3, 'redundancy_bounds', [...create, '--max-servers', '2', '--redundancy', '3']),
    fail(3, 'name_length', ['neighborhood', 'create', '--name', 'x'.repeat(65), '--min-stake', '1']),
    fail(3, 'unknown_neighborhood', ['neighborhood', 'show', '4000']),
    fail(3, 'unknown_neighborhood', ['compliance', 'status', '4000']),
    fail(6, 'not_a_token', [...create, '--stake-token', keys.owner.address]),
  ])
  expect(unbonding).toContain('1 to 30 days')
})

test('wallets: made with mode 0600, never overwritten, refused with the wrong password, without gas and without a file', async () => {
  for (const name of ['right', 'wrong']) await writeFile(join(directory, name), `${name} horse\n`, { mode: 0o600 })
  const make = ['keys', 'new', '--type', 'wallet', '--out', 'poor.json', '--password-file', 'right']
  const { address, file } = await succeed(...make)
  expect((await stat(String(file))).mode & 0o777).toBe(0o600)
  expect(JSON.parse(await readFile(String(file), 'utf8'))).toMatchObject({ version: 3, crypto: { kdf: 'scrypt' } })
  await fail(1, 'file_exists', make)

  const create = ['neighborhood', 'create', '--name', 'test', '--min-stake', '1']
  expect(await fail(4, 'wrong_password', [...create, '--wallet', 'poor.json', '--password-file', 'wrong'])).toContain(
    'check --password-file',
  )
  await fail(4, 'key_file', [...create, '--wallet', 'absent.json', '--password-file', 'right'])
  await fail(4, 'key_file', [...create, '--wallet', 'right', '--password-file', 'right'])
  await fail(4, 'password_file', [...create, '--wallet', 'poor.json', '--password-file', 'absent'])
  const [server, ...flags] = ['--neighborhood', '1', '--endpoint', 'https://poor.example.org', ...(await newServerKey('poor.pem'))]
  const poor = ['register', String(server), ...flags, '--wallet', 'poor.json', '--password-file', 'right']
  await newNeighborhood()
  expect(await fail(3, 'insufficient_funds', poor)).toContain(String(address))
  expect(await fail(3, 'insufficient_funds', [...create, '--wallet', 'poor.json', '--password-file', 'right'])).toContain('gas')
  await chmod(join(directory, 'right'), 0o644)
  expect(await fail(4, 'key_file', [...create, '--wallet', 'poor.json', '--password-file', 'right'])).toContain('chmod 600')
  await chmod(join(directory, 'poor.json'), 0o640)
  expect(await fail(4, 'key_file', [...create, '--wallet', 'poor.json'])).toMatch(/poor\.json .*chmod 600/)
})

test('server keys: a missing, an exposed and another kind of key are refused', async () => {
  const register = ['register', '--neighborhood', '1', '--endpoint', 'https://a.example.org', ...rich()]
  await fail(4, 'key_file', [...register, '--key-file', 'absent.pem'])
  await succeed('keys', 'new', '--type', 'device', '--out', 'device.pem')
  await fail(4, 'key_file', [...register, '--key-file', 'device.pem'])
  await writeFile(join(directory, 'exposed.pem'), await readFile(join(directory, 'device.pem')), { mode: 0o644 })
  expect(await fail(4, 'key_file', [...register, '--key-file', 'exposed.pem'])).toContain('chmod 600')
})

test('a chain that does not answer, another chain and a chain without the registries', async () => {
  const closed = await freePort()
  const silent = `http://127.0.0.1:${closed}`
  expect(await fail(5, 'chain_unreachable', ['neighborhood', 'list', '--rpc-url', silent])).toContain(silent)
  await fail(6, 'wrong_chain', ['neighborhood', 'list', '--chain-id', '1'])
  await fail(6, 'no_deployment', ['neighborhood', 'list', '--server-registry', keys.owner.address])
  await fail(5, 'discovery_unreachable', ['neighborhood', 'list', '--discovery', silent])
})

test('without a terminal a missing value ends with 2 and its name', async () => {
  expect(await fail(2, 'missing_value', ['neighborhood', 'create', '--min-stake', '1'])).toContain('--name')
  expect(await fail(2, 'missing_value', ['keys', 'new'])).toContain('--type')
  expect(await fail(2, 'missing_value', ['register', '--neighborhood', '1'])).toContain('--endpoint')
  const bare = await dred('neighborhood', 'list', '--config', '/dev/null')
  expect(bare).toMatchObject({ code: 2, stdout: '' })
  expect(bare.stderr).toContain('--rpc-url')
  await fail(2, 'usage', ['neighborhood', 'list', '--nonsense'])
  await fail(2, 'config_unreadable', ['dev', 'status', '--config', 'missing.toml'])
  expect(await fail(2, 'unknown_command', ['neighborhood', 'lst'])).toContain('neighborhood list')
})
