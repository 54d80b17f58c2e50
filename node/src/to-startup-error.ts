import { DredError } from '@dred/protocol'
import { ChainError } from './chain/chain-error.ts'
import { ServerKeyError } from './chain/server-key-error.ts'
import { ConfigError, type NodeConfig } from './config.ts'
import { StartupError } from './startup-error.ts'
import { codeOf } from './thrown.ts'

/** What went wrong, in terms of what the operator can do about it. Anything unforeseen stays as it is. */
export function toStartupError(error: unknown, { host, port, admin }: NodeConfig): unknown {
  if (error instanceof ServerKeyError) return new StartupError('key_file', error.message, error)
  if (error instanceof ConfigError) return new StartupError('config', error.message, error)
  if (error instanceof ChainError) {
    return new StartupError(error.code === 'unreachable' ? 'chain_unreachable' : 'config', error.message, error)
  }
  if (error instanceof DredError && error.code === 'store_unavailable') return new StartupError('store_unavailable', error.message, error)
  const code = codeOf(error) ?? ''
  if (code === 'EADDRINUSE') {
    const taken = error instanceof Error && 'port' in error ? error.port : undefined
    const name = taken === admin.port && taken !== port ? `${admin.host}:${admin.port} (admin)` : `${host}:${port}`
    return new StartupError('port_in_use', `${name} is in use: choose another port, or stop what listens there`, error)
  }
  if (['EACCES', 'EADDRNOTAVAIL', 'ENOTFOUND'].includes(code)) {
    return new StartupError('config', `Cannot listen on ${host}:${port} (${code}): choose another host or port`, error)
  }
  return error
}
