import type { Topology } from '@dred/protocol/relay'
import { Fields, type Problems } from './config-fields.ts'
import { type DrainConfig, readDrain } from './drain.ts'
import { type IdentityConfig, readIdentity } from './identity/config.ts'
import { type LimitsConfig, readLimits } from './limits/config.ts'
import { readTracing, type TracingConfig } from './observability/tracing.ts'
import { type RealtimeConfig, readRealtime } from './realtime/config.ts'
import { readRetention, type RetentionConfig } from './retention/config.ts'
import { type ProcessesConfig, readProcesses } from './processes/config.ts'
import { readStoreConfig, type StoreConfig } from './store/config.ts'
import { type AcmeConfig, readAcme } from './tls/acme-config.ts'
import { readTlsConfig, type TlsConfig } from './tls/config.ts'

/** From the most severe on; `silent` logs nothing. */
export const logLevels = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const

/** Settings of one relay server. */
export interface NodeConfig {
  /** Address to listen on. */
  host: string
  /** 0 takes a free one. */
  port: number
  /** Health and metrics; not for the public. */
  admin: {
    host: string
    port: number
    /** Where the token is for asking and telling the server more than health and metrics; made if it is not there. */
    tokenFile?: string
  }
  /** Decimal id. */
  neighborhood: string
  store: StoreConfig
  chain: {
    rpcUrl: string
    chainId: number
    serverRegistry: `0x${string}`
    neighborhoodRegistry: `0x${string}`
    startBlock: number
  }
  /** How messages go to the other servers. */
  relay: { topology: Topology['name'] }
  /** PKCS#8 PEM file with the server's P-256 key, readable by its owner only. */
  serverKeyFile: string
  serverKeyPassphrase?: string
  tls?: TlsConfig
  /** Who gives the certificate of `tls`; without it somebody else puts it there. */
  acme?: AcmeConfig
  logLevel: (typeof logLevels)[number]
  limits: LimitsConfig
  identity: IdentityConfig
  realtime: RealtimeConfig
  retention: RetentionConfig
  processes: ProcessesConfig
  drain: DrainConfig
  /** Off without it. */
  tracing?: TracingConfig
  /** Streams that the server carries at most. */
  maxStreams: number
  /** Addresses or networks of reverse proxies whose `X-Forwarded-For` is believed. */
  trustProxy: string[]
  /** Said to every client as `Alt-Svc`: where a proxy offers this server over HTTP/3, as `h3=":443"`. */
  altSvc?: string
}

/** All that is wrong with a configuration, each problem naming its setting. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'
  readonly problems: string[]

  constructor(problems: string[]) {
    super(problems.join('\n'))
    this.problems = problems
  }
}

const ADDRESS = { pattern: /^0x[0-9a-fA-F]{40}$/, expected: 'an address, 0x and 40 hex digits' }
const ALT_SVC = { pattern: /^[!-~][ -~]*$/, expected: 'what the header Alt-Svc is to say, as h3=":443"' }
const PORT = { min: 0, max: 65_535 }

/**
 * Reads a configuration from plain data (parsed TOML or JSON) and fills in the defaults.
 * @param nameOf see {@link Problems}; default: the paths of {@link NodeConfig}
 * @throws ConfigError with all problems together
 */
export function parseNodeConfig(raw: unknown, nameOf?: Problems['nameOf']): NodeConfig {
  const problems: string[] = []
  const note = { push: (problem: string) => problems.push(problem), nameOf: nameOf ?? ((path: string) => path) }
  const fields = new Fields(raw, '', note)
  const config = readNodeConfig(fields)
  fields.refuseUnknown()
  if (problems.length > 0) throw new ConfigError(problems)
  return config
}

/** Names of the settings and tables of {@link NodeConfig}. */
export function nodeSettings(): readonly string[] {
  const fields = new Fields({}, '', [])
  readNodeConfig(fields)
  return fields.asked
}

function readNodeConfig(fields: Fields): NodeConfig {
  const admin = fields.table('admin')
  const config: NodeConfig = {
    host: fields.string('host', { fallback: '127.0.0.1' }),
    port: fields.integer('port', PORT),
    admin: {
      host: admin.string('host', { fallback: '127.0.0.1' }),
      port: admin.integer('port', { ...PORT, fallback: 0 }),
      ...(admin.has('tokenFile') ? { tokenFile: admin.string('tokenFile', { expected: 'the path of a token file' }) } : {}),
    },
    neighborhood: fields.string('neighborhood', { pattern: /^[1-9][0-9]{0,9}$/, expected: 'the decimal id of a neighborhood, as text' }),
    store: readStoreConfig(fields.table('store')),
    chain: readChain(fields.table('chain')),
    relay: readRelay(fields.table('relay')),
    serverKeyFile: fields.string('serverKeyFile', { expected: 'the path of a key file' }),
    ...(fields.has('serverKeyPassphrase') ? { serverKeyPassphrase: fields.string('serverKeyPassphrase') } : {}),
    ...(fields.has('tls') ? { tls: readTlsConfig(fields.table('tls')) } : {}),
    ...(fields.has('acme') ? { acme: readAcme(fields.table('acme')) } : {}),
    logLevel: fields.oneOf('logLevel', logLevels, 'info'),
    limits: readLimits(fields.table('limits')),
    identity: readIdentity(fields.table('identity')),
    realtime: readRealtime(fields.table('realtime')),
    retention: readRetention(fields.table('retention')),
    processes: readProcesses(fields.table('processes')),
    drain: readDrain(fields.table('drain')),
    ...(fields.has('tracing') ? { tracing: readTracing(fields.table('tracing')) } : {}),
    maxStreams: fields.integer('maxStreams', { min: 1, max: 1_000_000, fallback: 10_000 }),
    trustProxy: fields.strings('trustProxy'),
    ...(fields.has('altSvc') ? { altSvc: fields.string('altSvc', ALT_SVC) } : {}),
  }
  if (config.processes.count > 1 && config.store.kind === 'sqlite') {
    fields.report('processes.count', config.processes.count, '1 with SQLite: several processes need a store in Redis')
  }
  if (config.acme && !config.tls) fields.report('tls', undefined, 'where a certificate by acme goes: its certFile and keyFile')
  admin.refuseUnknown()
  return config
}

function readChain(fields: Fields): NodeConfig['chain'] {
  const chain = {
    rpcUrl: fields.string('rpcUrl', { pattern: /^https?:\/\//, expected: 'an http:// or https:// address' }),
    chainId: fields.integer('chainId', { min: 1, max: Number.MAX_SAFE_INTEGER }),
    serverRegistry: fields.string('serverRegistry', ADDRESS) as `0x${string}`,
    neighborhoodRegistry: fields.string('neighborhoodRegistry', ADDRESS) as `0x${string}`,
    startBlock: fields.integer('startBlock', { min: 0, max: Number.MAX_SAFE_INTEGER, fallback: 0 }),
  }
  fields.refuseUnknown()
  return chain
}

function readRelay(fields: Fields): NodeConfig['relay'] {
  const relay = { topology: fields.oneOf('topology', ['spt', 'star', 'ring'], 'spt') }
  fields.refuseUnknown()
  return relay
}
