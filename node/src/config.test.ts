import { expect, test } from 'vitest'
import { ConfigError, parseNodeConfig } from './config.ts'
import { defaultLimits, noLimits } from './limits/config.ts'

const ADDRESS = `0x${'ab'.repeat(20)}`
const minimal = {
  port: 8080,
  neighborhood: '7',
  store: { kind: 'sqlite', path: 'dred.sqlite' },
  chain: { rpcUrl: 'http://127.0.0.1:8545', chainId: 31_337, serverRegistry: ADDRESS, neighborhoodRegistry: ADDRESS },
  serverKeyFile: 'server.pem',
}

function problemsOf(raw: unknown): string[] {
  try {
    parseNodeConfig(raw)
  } catch (error) {
    if (error instanceof ConfigError) return error.problems
  }
  return []
}

test('fills in the defaults', () => {
  expect(parseNodeConfig(minimal)).toEqual({
    ...minimal,
    host: '127.0.0.1',
    admin: { host: '127.0.0.1', port: 0 },
    chain: { ...minimal.chain, startBlock: 0 },
    relay: { topology: 'spt' },
    logLevel: 'info',
    limits: defaultLimits,
    identity: { domains: [], sessionMs: 3_600_000, capabilityMs: 600_000 },
    realtime: { coalesceMs: 4, maxSubscriptions: 100_000, maxPolls: 10_000 },
    retention: {},
    processes: { count: 1, internalHost: '127.0.0.1' },
    drain: { delayMs: 0, retryMs: 250, timeoutMs: 5_000 },
    maxStreams: 10_000,
    trustProxy: [],
  })
})

test('takes what is set', () => {
  const all = {
    ...minimal,
    host: '::1',
    admin: { host: '::1', port: 9_090 },
    store: { kind: 'redis', url: 'redis://127.0.0.1:6379', prefix: 'x:' },
    chain: { ...minimal.chain, startBlock: 12 },
    relay: { topology: 'ring' },
    serverKeyPassphrase: 'secret',
    tls: { certFile: 'cert.pem', keyFile: 'key.pem' },
    acme: {
      directoryUrl: 'https://ca.example/directory',
      email: 'a@example.org',
      domains: ['relay.example.org'],
      agreeTos: true,
      accountKeyFile: 'account.pem',
      host: '::',
      port: 8080,
      caFile: 'ca.pem',
    },
    logLevel: 'debug',
    limits: { ...noLimits, channel: { burst: 5, perSecond: 7 } },
    identity: { domains: ['a.example'], sessionMs: 60_000, capabilityMs: 300_000 },
    realtime: { coalesceMs: 0, maxSubscriptions: 5, maxPolls: 6 },
    retention: {},
    processes: { count: 4, internalHost: '10.0.0.1' },
    drain: { delayMs: 1_000, retryMs: 500, timeoutMs: 0 },
    maxStreams: 5,
    trustProxy: ['10.0.0.0/8'],
    altSvc: 'h3=":8443"; ma=86400',
  }
  expect(parseNodeConfig(all)).toEqual(all)
})

test('tells all problems together, each with its name', () => {
  const problems = problemsOf({
    port: 70_000,
    store: { kind: 'redis', url: 'http://x' },
    chain: { rpcUrl: 'ws://x', chainId: 0 },
    serverKeyFile: '',
  })
  expect(problems).toEqual([
    'port has to be a whole number from 0 to 65535',
    'neighborhood is missing; it is the decimal id of a neighborhood, as text',
    'store.url has to be a redis:// or rediss:// address',
    'chain.rpcUrl has to be an http:// or https:// address',
    'chain.chainId has to be a whole number from 1 to 9007199254740991',
    'chain.serverRegistry is missing; it is an address, 0x and 40 hex digits',
    'chain.neighborhoodRegistry is missing; it is an address, 0x and 40 hex digits',
    'serverKeyFile has to be the path of a key file',
  ])
})

test('names unknown settings and what may have been meant', () => {
  expect(problemsOf({ ...minimal, prot: 1, loglevel: 'info', nonsense: true, tls: { cert: 'x' } })).toEqual([
    'tls.certFile is missing; it is the path of a PEM certificate chain',
    'tls.keyFile is missing; it is the path of a PEM private key',
    'tls.cert is not a setting',
    'prot is not a setting; did you mean port?',
    'loglevel is not a setting; did you mean logLevel?',
    'nonsense is not a setting',
  ])
})

test('says it in the words of whoever asks, and leaves out what is known already', () => {
  const raw = { ...minimal, limits: { adress: false }, processes: { count: 2 }, port: -1 }
  const nameOf = (path: string): string | undefined => (path === 'port' ? undefined : `server.${path}`)
  let problems: string[] = []
  try {
    parseNodeConfig(raw, nameOf)
  } catch (error) {
    if (error instanceof ConfigError) problems = error.problems
  }
  expect(problems).toEqual([
    'server.limits.adress is not a setting; did you mean server.limits.address?',
    'server.processes.count has to be 1 with SQLite: several processes need a store in Redis',
  ])
})

test.each([null, 1, 'x', []])('refuses %j', (raw) => {
  expect(problemsOf(raw)[0]).toBe('The configuration has to be a table')
})

test('a passphrase is never part of a message', () => {
  expect(problemsOf({ ...minimal, port: -1, serverKeyPassphrase: 12_345 }).join()).not.toContain('12345')
})

test('a certificate that is ordered needs a place', () => {
  const acme = { directoryUrl: 'https://ca.example', domains: ['a.example'], agreeTos: true, accountKeyFile: 'account.pem' }
  expect(problemsOf({ ...minimal, acme })).toEqual([expect.stringMatching(/^tls is missing/)])
})

test('several processes need a store that they can share', () => {
  expect(problemsOf({ ...minimal, processes: { count: 2 } })).toEqual([expect.stringMatching(/^processes\.count .*SQLite/)])
  expect(problemsOf({ ...minimal, processes: { count: 2 }, store: { kind: 'redis', url: 'redis://127.0.0.1' } })).toEqual([])
})

test('tracing is off unless it is told where spans go', () => {
  const otlpUrl = 'http://127.0.0.1:4318/v1/traces'
  expect(parseNodeConfig(minimal).tracing).toBeUndefined()
  expect(parseNodeConfig({ ...minimal, tracing: { otlpUrl } }).tracing).toEqual({ otlpUrl, sampleRatio: 0.01 })
  expect(problemsOf({ ...minimal, tracing: { sampleRatio: 2 } })).toEqual([
    'tracing.otlpUrl is missing; it is an http:// or https:// address',
    'tracing.sampleRatio has to be a number from 0 to 1',
  ])
})
