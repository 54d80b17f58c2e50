import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { Config } from './config.ts'
import { CliError } from './errors.ts'
import { address, deployment } from './testing/deployment.ts'

let cwd: string
let home: string

beforeEach(() => {
  cwd = mkdtempSync(join(tmpdir(), 'dred-config-'))
  home = join(cwd, 'xdg')
  mkdirSync(join(home, 'dred'), { recursive: true })
})

afterEach(() => rmSync(cwd, { recursive: true, force: true }))

function load(flags: Record<string, unknown> = {}, env: NodeJS.ProcessEnv = {}): Config {
  return Config.load({ flags, env: { XDG_CONFIG_HOME: home, ...env }, cwd })
}

function failure(work: () => unknown): CliError {
  try {
    work()
  } catch (error) {
    if (error instanceof CliError) return error
    throw error
  }
  throw new Error('It did not fail')
}

const user = (text: string) => writeFileSync(join(home, 'dred', 'config.toml'), text)
const project = (text: string) => writeFileSync(join(cwd, 'dred.toml'), text)

describe('layers', () => {
  test('flag over environment over ./dred.toml over the user configuration, key by key', () => {
    user('neighborhood = "1"\n[chain]\nrpcUrl = "http://user"\nchainId = 1\nstartBlock = 11')
    project('[chain]\nrpcUrl = "http://project"\nchainId = 2')
    expect(load().text('chain.rpcUrl')).toBe('http://project')
    const env = { DRED_RPC_URL: 'http://env', DRED_CHAIN_ID: '3' }
    expect(load({}, env).text('chain.rpcUrl')).toBe('http://env')
    const config = load({ 'rpc-url': 'http://flag' }, env)
    expect(config.text('chain.rpcUrl')).toBe('http://flag')
    expect(config.integer('chain.chainId')).toBe(3)
    expect(config.integer('chain.startBlock')).toBe(11)
    expect(config.text('neighborhood')).toBe('1')
    expect(config.text('wallet')).toBeUndefined()
  })

  test('--config and DRED_CONFIG stand in place of both files', () => {
    user('wallet = "user.json"')
    project('neighborhood = 1')
    writeFileSync(join(cwd, 'other.toml'), 'neighborhood = 2')
    for (const config of [load({ config: 'other.toml' }), load({}, { DRED_CONFIG: 'other.toml' })]) {
      expect(config.text('neighborhood')).toBe('2')
      expect(config.text('wallet')).toBeUndefined()
    }
    expect(failure(() => load({ config: 'absent.toml' }))).toMatchObject({ code: 'config_unreadable', exitCode: 2 })
  })

  test('paths are relative to the file that names them', () => {
    user('wallet = "keys/w.json"')
    project('deviceKey = "d.pem"\n[server]\nstore = "data.db"')
    const config = load({ 'password-file': 'pw' })
    expect(config.text('wallet')).toBe(join(home, 'dred', 'keys', 'w.json'))
    expect(config.text('deviceKey')).toBe(join(cwd, 'd.pem'))
    expect(config.text('passwordFile')).toBe(join(cwd, 'pw'))
    expect(config.path('server.store')).toBe(join(cwd, 'data.db'))
  })

  test('keys that were made without naming a file, and a server’s places, are defaults', () => {
    expect(load().text('server.keyFile')).toBeUndefined()
    mkdirSync(join(home, 'dred', 'keys'))
    for (const name of ['wallet.json', 'server.pem', 'device.pem']) writeFileSync(join(home, 'dred', 'keys', name), '')
    const config = load()
    expect(config.text('wallet')).toBe(join(home, 'dred', 'keys', 'wallet.json'))
    expect(config.text('server.keyFile')).toBe(join(home, 'dred', 'keys', 'server.pem'))
    expect(config.path('server.store')).toBe(join(cwd, 'dred.db'))
    expect(load({ wallet: 'other.json' }).text('wallet')).toBe(join(cwd, 'other.json'))
  })

  test('an empty variable is none', () => {
    project('neighborhood = 5')
    expect(load({}, { DRED_NEIGHBORHOOD: '' }).text('neighborhood')).toBe('5')
  })
})

describe('what is wrong is said', () => {
  test('unknown keys, all together, with what was meant', () => {
    project('nieghborhood = 1\n[chain]\nrpcurl = "http://x"\n[something]\nelse = 1')
    const error = failure(() => load().sound())
    expect(error).toMatchObject({ code: 'config_unknown_key', exitCode: 2 })
    expect(error.message).toContain('nieghborhood (did you mean neighborhood?)')
    expect(error.message).toContain('chain.rpcurl (did you mean chain.rpcUrl?)')
    expect(error.message).toMatch(/something\.else\.$/)
  })

  test('a value of another kind, naming its source', () => {
    project('discovery = "ftp://x"\n[chain]\nchainId = "many"\nserverRegistry = "0x12"')
    expect(failure(() => load().urls('discovery')).message).toBe('discovery in ./dred.toml has to be http(s) addresses, not "ftp://x".')
    expect(failure(() => load().integer('chain.chainId')).message).toContain('chain.chainId in ./dred.toml has to be a whole number')
    expect(failure(() => load().address('chain.serverRegistry')).code).toBe('config_invalid')
    expect(failure(() => load({}, { DRED_START_BLOCK: '-1' }).integer('chain.startBlock')).message).toContain('DRED_START_BLOCK')
    expect(failure(() => load({ 'rpc-url': 'localhost:1' }).text('chain.rpcUrl')).message).toContain('--rpc-url')
  })

  test('a file that is no TOML', () => {
    project('neighborhood = = 1')
    expect(failure(() => load())).toMatchObject({ code: 'config_invalid', exitCode: 2 })
  })

  test('a missing value names its flag, variable and key', () => {
    const config = load()
    const error = failure(() => config.required('chain.rpcUrl', config.text('chain.rpcUrl')))
    expect(error.exitCode).toBe(2)
    expect(error.message).toBe("Say the chain's JSON-RPC address: set --rpc-url, DRED_RPC_URL or chain.rpcUrl in dred.toml.")
  })

  test('several discovery addresses come as a list or separated by commas', () => {
    project('discovery = ["http://a", "http://b"]')
    expect(load().urls('discovery')).toEqual(['http://a', 'http://b'])
    expect(load({ discovery: 'http://c, https://d' }).urls('discovery')).toEqual(['http://c', 'https://d'])
  })
})

describe('a deployment', () => {
  const file = (content: unknown) => writeFileSync(join(cwd, 'deployment.json'), JSON.stringify(content))

  test('gives the addresses, the chain and discovery; what stands beside it comes first', () => {
    file(deployment)
    const config = load({ deployment: 'deployment.json', 'server-registry': address('5') })
    expect(config.address('chain.neighborhoodRegistry')).toBe(address('1'))
    expect(config.address('chain.serverRegistry')).toBe(address('5'))
    expect(config.address('chain.stakeToken')).toBe(address('4'))
    expect(config.integer('chain.chainId')).toBe(7)
    expect(config.integer('chain.startBlock')).toBe(9)
    expect(config.urls('discovery')).toEqual(['https://discovery.example'])
  })

  test('given as a flag wins over what files say, given in a file it is relative to the file', () => {
    file(deployment)
    user(`[chain]\ndeployment = ${JSON.stringify(join(cwd, 'deployment.json'))}`)
    project('[chain]\nchainId = 3')
    expect(load().integer('chain.chainId')).toBe(3)
    expect(load().integer('chain.startBlock')).toBe(9)
    expect(load({ deployment: 'deployment.json' }).integer('chain.chainId')).toBe(7)
  })

  test('that is none is refused with everything that is wrong', () => {
    expect(failure(() => load({ deployment: 'absent' }))).toMatchObject({ code: 'deployment_invalid', exitCode: 2 })
    file({ ...deployment, chainId: 0, serverRegistry: 'x' })
    const { message } = failure(() => load({ deployment: 'deployment.json' }))
    expect(message).toMatch(/chainId .*serverRegistry /)
    writeFileSync(join(cwd, 'deployment.json'), 'nonsense')
    expect(failure(() => load({ deployment: 'deployment.json' })).message).toContain('it is not JSON')
  })
})
