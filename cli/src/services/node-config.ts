import { ConfigError, type NodeConfig, parseNodeConfig } from '@dred/node'
import { type Config, missing } from '../config.ts'
import { CliError } from '../errors.ts'
import type { SettingKey } from '../settings.ts'
import { serverKeyPassphrase } from './server-key.ts'

const IS_REDIS = /^rediss?:\/\//

/** Where the node's name of a setting is not the name in `dred.toml`, with `server.` before it. */
const names: Readonly<Record<string, string>> = {
  'admin.port': 'server.adminPort',
  neighborhood: 'neighborhood',
  serverKeyFile: 'server.keyFile',
  store: 'server.redis',
  'store.path': 'server.store',
}

/** What the operator calls a setting of the node. */
export function nameInFile(path: string): string {
  if (/^(chain|relay)(\.|$)/.test(path)) return path
  return names[path] ?? `server.${path.replace(/^store\./, 'redis.')}`
}

/**
 * The settings of a server, checked whole.
 * @throws CliError with all that is wrong with them: `config_invalid` for several problems, else as the one problem is
 */
export async function nodeConfig(settings: Config): Promise<NodeConfig> {
  const noted = new Noted(settings.unknown)
  const raw = await rawNodeConfig(settings, noted)
  try {
    const config = parseNodeConfig(raw, (path) => (noted.has(nameInFile(path)) ? undefined : nameInFile(path)))
    noted.assertNone()
    return config
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    const problems = [...noted.problems.map(({ message }) => message.replace(/\.$/, '')), ...error.problems].join('; ')
    throw new CliError('usage', 'config_invalid', { message: `The server cannot start with these settings: ${problems}.`, cause: error })
  }
}

/** What the settings say of a server, as the node takes it. */
async function rawNodeConfig(settings: Config, noted: Noted): Promise<unknown> {
  const text = (key: SettingKey) => noted.try(key, () => settings.text(key))
  const required = (key: SettingKey) => noted.try(key, () => settings.required(key, settings.text(key)))
  const integer = (key: SettingKey) => noted.try(key, () => settings.integer(key))
  const address = (key: SettingKey) => noted.try(key, () => settings.required(key, settings.address(key)))
  const { redis, sqlite, admin, tls, processes, ...tables } = settings.serverTables()
  return {
    ...tables,
    host: text('server.host'),
    port: integer('server.port'),
    admin: over(admin, { port: integer('server.adminPort') }),
    neighborhood: required('neighborhood'),
    store: storeOf({ redis, sqlite }, settings, noted),
    chain: {
      rpcUrl: required('chain.rpcUrl'),
      chainId: noted.try('chain.chainId', () => settings.required('chain.chainId', settings.integer('chain.chainId'))),
      neighborhoodRegistry: address('chain.neighborhoodRegistry'),
      serverRegistry: address('chain.serverRegistry'),
      startBlock: integer('chain.startBlock'),
    },
    serverKeyFile: required('server.keyFile'),
    serverKeyPassphrase: await noted.tryLater('server.keyPassphraseFile', () => serverKeyPassphrase(settings)),
    tls: tlsOf(tls, settings, noted),
    relay: { topology: text('relay.topology') },
    processes: over(processes, { count: integer('server.processes.count'), internalHost: text('server.processes.internalHost') }),
    logLevel: text('server.logLevel'),
  }
}

function storeOf({ redis, sqlite }: Record<'redis' | 'sqlite', unknown>, settings: Config, noted: Noted): unknown {
  const store = noted.try('server.store', () => settings.text('server.store')) ?? ''
  if (IS_REDIS.test(store)) return over(redis, { kind: 'redis', url: store })
  if (redis === undefined) return over(sqlite, { kind: 'sqlite', path: noted.try('server.store', () => settings.path('server.store')) })
  if (settings.isGiven('server.store')) {
    noted.note(
      'server.store',
      new CliError('usage', 'config_invalid', 'server.store has to be a redis:// address, or left out, beside server.redis.'),
    )
  }
  return over(redis, { kind: 'redis' })
}

function tlsOf(tls: unknown, settings: Config, noted: Noted): unknown {
  const certFile = noted.try('server.tls.certFile', () => settings.text('server.tls.certFile'))
  const keyFile = noted.try('server.tls.keyFile', () => settings.text('server.tls.keyFile'))
  if (tls === undefined && certFile === undefined && keyFile === undefined) return undefined
  if (certFile === undefined) noted.note('server.tls.certFile', missing('server.tls.certFile'))
  if (keyFile === undefined) noted.note('server.tls.keyFile', missing('server.tls.keyFile'))
  return over(tls, { certFile, keyFile })
}

/** A table with values in it that come first, where they are defined; what is no table stays, for the node to refuse. */
function over(table: unknown, values: Record<string, unknown>): unknown {
  if (table !== undefined && (typeof table !== 'object' || table === null || Array.isArray(table))) return table
  return { ...table, ...Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) }
}

/** Problems of settings, gathered in place of being thrown one by one. */
class Noted {
  readonly problems: CliError[]
  readonly #keys = new Set<string>()

  constructor(problems: readonly CliError[]) {
    this.problems = [...problems]
  }

  has(key: string): boolean {
    return this.#keys.has(key)
  }

  note(key: SettingKey, problem: CliError): void {
    if (!this.#keys.has(key)) this.problems.push(problem)
    this.#keys.add(key)
  }

  try<T>(key: SettingKey, read: () => T): T | undefined {
    try {
      return read()
    } catch (error) {
      if (!(error instanceof CliError)) throw error
      this.note(key, error)
      return undefined
    }
  }

  async tryLater<T>(key: SettingKey, read: () => Promise<T>): Promise<T | undefined> {
    try {
      return await read()
    } catch (error) {
      return this.try(key, () => {
        throw error
      })
    }
  }

  /** @throws CliError */
  assertNone(): void {
    const [first, ...others] = this.problems
    if (!first) return
    if (others.length === 0) throw first
    throw new ConfigError([])
  }
}
