import { type Finding, type NodeConfig, StartupError, type StartupErrorCode } from '@dred/node'
import { CliError, type ExitReason } from '../errors.ts'
import { noChain } from './chain-errors.ts'

/** What a worker is told beside the settings: which it is, from 1, and the port that it shares. */
export interface WorkerPlace {
  worker: number
  port: number
}

/** The configuration of a worker; each has its own port for health and metrics. */
export function workerConfig(config: NodeConfig, { worker, port }: WorkerPlace): NodeConfig {
  const { admin, processes } = config
  return {
    ...config,
    port,
    processes: { ...processes, joins: true },
    admin: { ...admin, port: admin.port === 0 ? 0 : admin.port + worker },
  }
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

/** The first of so many findings that would keep a server from starting, as the error of a start. */
export function failedCheck({ code = 'config', detail }: Finding, failed: number): CliError {
  const more = failed > 1 ? ` ${failed} checks failed.` : ''
  return new CliError(reasons[code], code, `${detail.replace(/\.$/, '')}.${more}`)
}
