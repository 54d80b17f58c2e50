import { setFlagsFromString } from 'node:v8'
import type { ServerKey } from './chain/server-key.ts'
import type { NodeConfig } from './config.ts'
import type { Finding } from './preflight.ts'
import type { RunningServer } from './serve.ts'

export type { RegisteredServer, RegistryView } from './chain/port.ts'
export type { ServerKey } from './chain/server-key.ts'
export { ServerKeyError, type ServerKeyErrorCode } from './chain/server-key-error.ts'
export { ConfigError, type NodeConfig, nodeSettings, parseNodeConfig } from './config.ts'
export type { Finding } from './preflight.ts'
export type { RunningServer } from './serve.ts'
export { StartupError, type StartupErrorCode } from './startup-error.ts'
export type { Store } from './store/port.ts'

/**
 * Loads a server key from a PKCS#8 PEM file that only its owner may read.
 * @param passphrase of an encrypted file (`BEGIN ENCRYPTED PRIVATE KEY`)
 * @throws ServerKeyError
 */
export async function loadServerKey(file: string, passphrase?: string): Promise<ServerKey> {
  const keys = await import('./chain/server-key.ts')
  return keys.loadServerKey(file, passphrase)
}

/**
 * Makes a new server key and writes it to a file that must not exist, readable by its owner only (mode 0600).
 * @param passphrase encrypts the file (PBES2: PBKDF2 and AES-256-CBC)
 * @throws ServerKeyError
 */
export async function createServerKeyFile(file: string, passphrase?: string): Promise<ServerKey> {
  const keys = await import('./chain/server-key.ts')
  return keys.createServerKeyFile(file, passphrase)
}

/** Examines all that a start needs, and changes nothing. */
export async function preflight(config: NodeConfig): Promise<Finding[]> {
  const { preflight: examine } = await import('./preflight.ts')
  return examine(config)
}

/**
 * Starts a relay server with real adapters. Logs are JSON lines on stderr.
 * @throws StartupError
 */
export async function serve(config: NodeConfig): Promise<RunningServer> {
  // Loading modules fills V8's young generation with garbage, and a server would keep the room for it (12 MiB) for good.
  setFlagsFromString('--semi-space-growth-factor=1')
  try {
    const composition = await import('./serve.ts')
    return await composition.serve(config)
  } finally {
    setFlagsFromString('--semi-space-growth-factor=2')
  }
}
