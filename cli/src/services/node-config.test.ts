import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type NodeConfig, nodeSettings } from '@dred/node'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { Config } from '../config.ts'
import { CliError } from '../errors.ts'
import { serverTables } from '../settings.ts'
import { nodeConfig } from './node-config.ts'

let cwd: string
beforeEach(async () => {
  cwd = await mkdtemp(join(tmpdir(), 'dred-node-config-'))
})
afterEach(() => rm(cwd, { recursive: true }))

const ADDRESS = `0x${'ab'.repeat(20)}`
const minimal = `neighborhood = 7
[chain]
rpcUrl = "http://127.0.0.1:8545"
chainId = 31337
serverRegistry = "${ADDRESS}"
neighborhoodRegistry = "${ADDRESS}"
[server]
keyFile = "server.pem"
`

interface Given {
  file?: string
  user?: string
  flags?: Record<string, unknown>
  env?: NodeJS.ProcessEnv
}

async function configOf({ file = '', user, flags = {}, env = {} }: Given): Promise<NodeConfig> {
  await writeFile(join(cwd, 'dred.toml'), file)
  const home = join(cwd, 'home')
  if (user !== undefined) {
    const { mkdir } = await import('node:fs/promises')
    await mkdir(join(home, 'dred'), { recursive: true })
    await writeFile(join(home, 'dred', 'config.toml'), user)
  }
  return nodeConfig(Config.load({ flags, env: { XDG_CONFIG_HOME: home, ...env }, cwd }))
}

async function failure(given: Given): Promise<CliError> {
  const error: unknown = await configOf(given).catch((thrown: unknown) => thrown)
  if (error instanceof CliError) return error
  throw new Error('It did not fail', { cause: error })
}

test('every table of the node may stand in dred.toml', () => {
  // What the command line settings have, under another name or apart from [server].
  const elsewhere = ['host', 'port', 'neighborhood', 'store', 'chain', 'relay', 'serverKeyFile', 'serverKeyPassphrase', 'logLevel']
  const expected = [...nodeSettings().filter((name) => !elsewhere.includes(name)), 'redis', 'sqlite']
  expect([...serverTables].sort()).toEqual(expected.sort())
})

test('without tables there are the defaults', async () => {
  const config = await configOf({ file: minimal })
  expect(config).toMatchObject({
    host: '127.0.0.1',
    port: 8080,
    admin: { port: 9090 },
    neighborhood: '7',
    store: { kind: 'sqlite', path: join(cwd, 'dred.db') },
    serverKeyFile: join(cwd, 'server.pem'),
    processes: { count: 1 },
    logLevel: 'info',
  })
  expect(config.tls).toBeUndefined()
})

test('all tables reach the node, the files in them relative to the file that names them', async () => {
  const file = `${minimal}maxStreams = 5
trustProxy = ["10.0.0.0/8"]
logLevel = "warn"
[server.tls]
certFile = "tls/cert.pem"
keyFile = "/etc/key.pem"
[server.redis]
sentinels = ["redis://a:1", "redis://b:2"]
name = "dred"
passwordFile = "secrets/redis"
replicas = 1
tls = { caFile = "ca.pem" }
[server.admin]
tokenFile = "admin.token"
[server.limits]
device = false
connections = { total = 100, perAddress = 10 }
[server.identity]
sessionMs = 60000
[server.realtime]
coalesceMs = 0
[server.retention]
maxMessages = 10_000
totalBytes = 1_000_000_000
[server.processes]
count = 2
[server.drain]
delayMs = 1000
[relay]
topology = "ring"
`
  expect(await configOf({ file })).toMatchObject({
    maxStreams: 5,
    trustProxy: ['10.0.0.0/8'],
    logLevel: 'warn',
    tls: { certFile: join(cwd, 'tls/cert.pem'), keyFile: '/etc/key.pem' },
    store: {
      kind: 'redis',
      sentinels: ['redis://a:1', 'redis://b:2'],
      passwordFile: join(cwd, 'secrets/redis'),
      replicas: 1,
      tls: { caFile: join(cwd, 'ca.pem') },
    },
    admin: { host: '127.0.0.1', port: 9090, tokenFile: join(cwd, 'admin.token') },
    limits: { device: false, connections: { total: 100, perAddress: 10 } },
    identity: { sessionMs: 60_000 },
    realtime: { coalesceMs: 0 },
    retention: { maxMessages: 10_000, totalBytes: 1_000_000_000 },
    processes: { count: 2, internalHost: '127.0.0.1' },
    drain: { delayMs: 1_000, retryMs: 250 },
    relay: { topology: 'ring' },
  })
})

test('a flag or variable comes before the table, the project before the user, key by key', async () => {
  const file = `${minimal}store = "redis://127.0.0.1:1"
[server.processes]
count = 2
[server.redis]
replicas = 2
`
  const user = '[server.redis]\nreplicas = 1\nreplicaTimeoutMs = 500\n[server.tls]\ncertFile = "c.pem"\nkeyFile = "k.pem"\n'
  const config = await configOf({ file, user, flags: { processes: '3', 'tls-key-file': 'other.pem' } })
  expect(config.processes.count).toBe(3)
  expect(config.store).toMatchObject({ kind: 'redis', url: 'redis://127.0.0.1:1', replicas: 2, replicaTimeoutMs: 500 })
  expect(config.tls).toEqual({ certFile: join(cwd, 'home', 'dred', 'c.pem'), keyFile: join(cwd, 'other.pem') })
})

test('all that is wrong is said together, each by its name in the file', async () => {
  const file = `nieghborhood = 7
[chain]
rpcUrl = "ws://x"
serverRegistry = "${ADDRESS}"
[server]
adminPort = 70000
keyfile = "server.pem"
maxStreams = 0
[server.limits]
adress = false
[server.realtime]
coalesceMs = "4"
[server.drain]
delayMS = 5
[server.tls]
certFile = "cert.pem"
[server.redis]
sentinels = ["redis://a"]
url = "redis://b"
[relay]
topology = "tree"
`
  const error = await failure({ file, env: { DRED_SERVER_PORT: 'many' } })
  expect(error).toMatchObject({ code: 'config_invalid', exitCode: 2 })
  const problems = error.message.split('; ')
  for (const said of [
    'nieghborhood (did you mean neighborhood?), server.keyfile (did you mean server.keyFile?)',
    'Say the id of the neighborhood: set --neighborhood, DRED_NEIGHBORHOOD or neighborhood in dred.toml',
    'chain.rpcUrl in ./dred.toml has to be an http(s) address',
    'Say the address of the NeighborhoodRegistry',
    'Say the id the chain has to have',
    'DRED_SERVER_PORT has to be a whole number',
    "Say the file of the server's P-256 private key",
    'Say the file of the TLS private key',
    'server.adminPort has to be a whole number from 0 to 65535',
    'server.maxStreams has to be a whole number from 1',
    'server.limits.adress is not a setting',
    'did you mean server.limits.address?',
    'server.realtime.coalesceMs has to be a whole number',
    'server.drain.delayMS is not a setting',
    'did you mean server.drain.delayMs?',
    'server.redis.sentinels has to be left out beside url',
    'server.redis.name is missing',
    'relay.topology has to be one of spt, star, ring',
  ]) {
    expect(error.message).toContain(said)
  }
  // Nothing is said twice.
  expect(problems.filter((problem) => problem.includes('neighborhood is missing'))).toEqual([])
  expect(new Set(problems).size).toBe(problems.length)
})

test('one problem alone keeps its code', async () => {
  expect(await failure({ file: minimal.replace('neighborhood = 7', '') })).toMatchObject({ code: 'missing_value' })
  expect(await failure({ file: `${minimal}keyfiel = 1` })).toMatchObject({ code: 'config_unknown_key' })
  expect((await failure({ file: `${minimal}limits = 3` })).message).toContain('server.limits has to be a table')
})

test('a file for the store and a table for Redis exclude each other', async () => {
  const { message } = await failure({ file: `${minimal}store = "relay.db"\n[server.redis]\nurl = "redis://x"` })
  expect(message).toContain('server.store has to be a redis:// address, or left out, beside server.redis')
})

test('a passphrase or password of a file is in no message', async () => {
  await writeFile(join(cwd, 'passphrase'), 'correct horse\n', { mode: 0o600 })
  const file = `${minimal}keyPassphraseFile = "passphrase"\nport = 70000`
  expect((await failure({ file })).message).not.toContain('horse')
  expect(await configOf({ file: `${minimal}keyPassphraseFile = "passphrase"` })).toMatchObject({ serverKeyPassphrase: 'correct horse' })
})
