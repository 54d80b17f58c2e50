import { ConfigError, type NodeConfig, parseNodeConfig, StartupError, type StartupErrorCode } from '@dred/node'
import { type Config, missing } from '../config.ts'
import { CliError, type ExitReason } from '../errors.ts'
import { noChain } from './chain-errors.ts'
import { serverKeyPassphrase } from './server-key.ts'

/** What the settings say of a server, as the node takes it; the node checks every value. */
async function rawNodeConfig(settings: Config): Promise<unknown> {
  const neighborhoodRegistry = settings.address('chain.neighborhoodRegistry')
  const serverRegistry = settings.address('chain.serverRegistry')
  if (!neighborhoodRegistry) throw missing('chain.neighborhoodRegistry')
  if (!serverRegistry) throw missing('chain.serverRegistry')
  const store = settings.required('server.store', settings.text('server.store'))
  const certFile = settings.text('server.tlsCertFile')
  const keyFile = settings.text('server.tlsKeyFile')
  if (certFile !== undefined && keyFile === undefined) throw missing('server.tlsKeyFile')
  if (keyFile !== undefined && certFile === undefined) throw missing('server.tlsCertFile')
  const passphrase = await serverKeyPassphrase(settings)
  return {
    host: settings.text('server.host') ?? '127.0.0.1',
    port: settings.required('server.port', settings.integer('server.port')),
    admin: { host: '127.0.0.1', port: settings.required('server.adminPort', settings.integer('server.adminPort')) },
    neighborhood: settings.required('neighborhood', settings.text('neighborhood')),
    store: /^rediss?:\/\//.test(store) ? { kind: 'redis', url: store } : { kind: 'sqlite', path: settings.path('server.store') },
    chain: {
      rpcUrl: settings.required('chain.rpcUrl', settings.text('chain.rpcUrl')),
      chainId: settings.required('chain.chainId', settings.integer('chain.chainId')),
      neighborhoodRegistry,
      serverRegistry,
      startBlock: settings.integer('chain.startBlock') ?? 0,
    },
    serverKeyFile: settings.required('server.keyFile', settings.text('server.keyFile')),
    ...(passphrase === undefined ? {} : { serverKeyPassphrase: passphrase }),
    ...(certFile === undefined || keyFile === undefined ? {} : { tls: { certFile, keyFile } }),
    relay: { topology: settings.text('relay.topology') ?? 'spt' },
    processes: { count: settings.integer('server.processes.count'), internalHost: settings.text('server.processes.internalHost') },
    logLevel: settings.text('server.logLevel') ?? 'info',
  }
}

/** @throws CliError `config_invalid` with all problems in one sentence */
export async function nodeConfig(settings: Config): Promise<NodeConfig> {
  const raw = await rawNodeConfig(settings)
  try {
    return parseNodeConfig(raw)
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    const problems = error.problems.join('; ')
    throw new CliError('usage', 'config_invalid', { message: `The server cannot start with these settings: ${problems}.`, cause: error })
  }
}

/** What a worker is told beside the settings: which it is, from 1, and the port that it shares. */
export interface WorkerPlace {
  worker: number
  port: number
}

/** The configuration of a worker; each has its own port for health and metrics. */
export function workerConfig(config: NodeConfig, { worker, port }: WorkerPlace): NodeConfig {
  const { admin } = config
  return { ...config, port, admin: { ...admin, port: admin.port === 0 ? 0 : admin.port + worker } }
}

const reasons: Record<StartupErrorCode, ExitReason> = {
  key_file: 'auth',
  chain_unreachable: 'unreachable',
  not_registered: 'checkFailed',
  already_serving: 'conflict',
  store_unavailable: 'unreachable',
  port_in_use: 'failure',
  config: 'usage',
}

/** A startup error of the node as the CLI's, with what to do; anything else as it is. */
export function explainStartup(error: unknown, { chain, store }: NodeConfig): unknown {
  if (!(error instanceof StartupError)) return error
  const said = error.message.replace(/\.$/, '')
  const sentences: Partial<Record<StartupErrorCode, string>> = {
    chain_unreachable: noChain(chain.rpcUrl),
    store_unavailable: `${said}; ${store.kind === 'redis' ? 'start it, or choose' : 'choose'} another --store.`,
  }
  return new CliError(reasons[error.code], error.code, { message: sentences[error.code] ?? `${said}.`, cause: error })
}
