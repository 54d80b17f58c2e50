import { readFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { DredError } from '@dred/protocol'
import { topologies } from '@dred/protocol/relay'
import { pino } from 'pino'
import { isServed, sharesStore } from './already-serving.ts'
import { ChainError } from './chain/chain-error.ts'
import { findOwnServer, openRegistryView } from './chain/registry-view.ts'
import { loadServerKey } from './chain/server-key.ts'
import { ServerKeyError } from './chain/server-key-error.ts'
import { isLeaving } from './chain/standing.ts'
import { ConfigError, type NodeConfig } from './config.ts'
import { viemWalletChain } from './identity/wallet-chain.ts'
import type { TlsFiles } from './http/listener.ts'
import { Membership } from './membership.ts'
import { createNode, type NodeSettings } from './node.ts'
import { createReplicator } from './peers/index.ts'
import { hashNatively } from './native-hash.ts'
import { openSignaturePool } from './signatures/index.ts'
import { StartupError } from './startup-error.ts'
import { openStore } from './store/index.ts'
import { keepYoungGeneration } from './young-generation.ts'

export interface RunningServer {
  url: string
  adminUrl: string
  /** Registry id. */
  serverId: number
  close(): Promise<void>
}

/**
 * Starts a relay server with real adapters. Logs are JSON lines on stderr.
 * @throws StartupError
 */
export async function serve(config: NodeConfig): Promise<RunningServer> {
  hashNatively()
  keepYoungGeneration()
  const logger = pino({ level: config.logLevel, base: null }, pino.destination({ fd: 2, sync: true }))
  const opened: { close(): Promise<void> }[] = []
  const close = async (): Promise<void> => {
    for (const resource of opened.splice(0).reverse()) await resource.close()
  }
  try {
    const key = await loadServerKey(config.serverKeyFile, config.serverKeyPassphrase)
    const tls = config.tls && (await readTls(config.tls))
    const registry = await openRegistryView({ ...config.chain, neighborhood: config.neighborhood, log: logger })
    opened.push(registry)
    const self = findOwnServer(registry, key.keyId)
    if (!self) {
      const where = `neighborhood ${config.neighborhood} of ${config.chain.serverRegistry}`
      throw new StartupError('not_registered', `The key ${key.keyId} is not a server of ${where}: register it first`)
    }
    const standing = new Membership(registry, { server: self.id, keyId: key.keyId }).standing()
    if (!standing.key.ok) throw new StartupError('key_file', `The key ${standing.key.detail}`)
    // What a server that is leaving has, its peers still need.
    if (!standing.serves && !isLeaving(self)) throw new StartupError('not_registered', standing.detail)
    const served = await isServed({ registry, self, key })
    const alreadyServing = new StartupError(
      'already_serving',
      `A process serves at ${self.endpoint} with the key ${key.keyId}: stop it first`,
    )
    if (served && config.store.kind === 'sqlite') throw alreadyServing
    const store = await openStore(config.store, `dred:{${config.chain.serverRegistry.toLowerCase()}-${self.id}}:`, logger)
    opened.push(store)
    if (served && !(store.shared && (await sharesStore({ registry, self, key }, store.shared.bus)))) throw alreadyServing
    if (!served && config.processes.count > 1) await assertPortFree(config)
    const signatures = openSignaturePool({ log: logger })
    opened.push(signatures)
    const node = await createNode(settingsOf(config, tls), {
      store,
      registry,
      self,
      key,
      wallets: viemWalletChain(config.chain.rpcUrl),
      replicatorFactory: (context) =>
        createReplicator({ ...context, key, topology: topologies[config.relay.topology], verify: signatures.verifyForPeers }),
      verify: signatures.verify,
      now: Date.now,
      logger,
    })
    opened.push(node)
    logger.info({ serverId: self.id, url: node.url, adminUrl: node.adminUrl }, 'serving')
    return { url: node.url, adminUrl: node.adminUrl, serverId: self.id, close }
  } catch (error) {
    await close()
    throw toStartupError(error, config)
  }
}

function settingsOf(
  { host, port, admin, limits, maxStreams, trustProxy, identity, realtime, processes }: NodeConfig,
  tls: TlsFiles | undefined,
): NodeSettings {
  return { host, port, admin, limits, maxStreams, trustProxy, identity, realtime, processes, ...(tls === undefined ? {} : { tls }) }
}

async function readTls({ certFile, keyFile }: { certFile: string; keyFile: string }): Promise<TlsFiles> {
  const [cert, key] = await Promise.all(
    [certFile, keyFile].map((file) =>
      readFile(file).catch((cause: unknown) => {
        throw new StartupError('config', `${file}, named by tls, cannot be read: ${messageOf(cause)}`, cause)
      }),
    ),
  )
  if (!cert || !key) throw new StartupError('config', 'tls needs a certFile and a keyFile')
  return { cert, key }
}

/** A port that processes share is shared with whoever else wants it: the first of them sees to it that nobody has it. */
async function assertPortFree({ host, port }: NodeConfig): Promise<void> {
  const probe = createServer()
  await new Promise<void>((resolve, reject) => {
    probe.once('error', reject)
    probe.listen(port, host, () => probe.close(() => resolve()))
  })
}

/** What went wrong, in terms of what the operator can do about it. Anything unforeseen stays as it is. */
function toStartupError(error: unknown, { host, port, admin }: NodeConfig): unknown {
  if (error instanceof ServerKeyError) return new StartupError('key_file', error.message, error)
  if (error instanceof ConfigError) return new StartupError('config', error.message, error)
  if (error instanceof ChainError) {
    return new StartupError(error.code === 'unreachable' ? 'chain_unreachable' : 'config', error.message, error)
  }
  if (error instanceof DredError && error.code === 'store_unavailable') return new StartupError('store_unavailable', error.message, error)
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  if (code === 'EADDRINUSE') {
    const taken = error instanceof Error && 'port' in error ? error.port : undefined
    const name = taken === admin.port && taken !== port ? `${admin.host}:${admin.port} (admin)` : `${host}:${port}`
    return new StartupError('port_in_use', `${name} is in use: choose another port, or stop what listens there`, error)
  }
  if (['EACCES', 'EADDRNOTAVAIL', 'ENOTFOUND'].includes(code)) {
    return new StartupError('config', `Cannot listen on ${host}:${port} (${code}): choose another host or port`, error)
  }
  if (code.startsWith('ERR_SSL_') || code.startsWith('ERR_OSSL_')) {
    return new StartupError('config', `The files named by tls are no certificate and key in PEM form: ${messageOf(error)}`, error)
  }
  return error
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
