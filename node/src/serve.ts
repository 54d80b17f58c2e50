import { createServer } from 'node:net'
import { topologies } from '@dred/protocol/relay'
import { isServed, sharesStore } from './already-serving.ts'
import { openRegistryView } from './chain/registry-view.ts'
import { loadServerKey } from './chain/server-key.ts'
import type { NodeConfig } from './config.ts'
import { viemWalletChain } from './identity/wallet-chain.ts'
import { createNode, type NodeSettings } from './node.ts'
import { createLogger } from './observability/logger.ts'
import { openTracing } from './observability/tracing.ts'
import { createReplicator } from './peers/index.ts'
import { hashNatively } from './native-hash.ts'
import { openSignaturePool } from './signatures/index.ts'
import { ownServer } from './own-server.ts'
import { readSoftware } from './software.ts'
import { StartupError } from './startup-error.ts'
import { openStore } from './store/index.ts'
import { openCertificates } from './tls/index.ts'
import type { Certificates } from './tls/port.ts'
import { toStartupError } from './to-startup-error.ts'

export interface RunningServer {
  url: string
  adminUrl: string
  /** Registry id. */
  serverId: number
  /** Looks now whether there is a new TLS certificate, as it does every few seconds. */
  reload(): Promise<void>
  /** Ends it as {@link NodeConfig.drain} says. */
  close(): Promise<void>
}

/**
 * Starts a relay server with real adapters. Logs are JSON lines on stderr.
 * @throws StartupError
 */
export async function serve(config: NodeConfig): Promise<RunningServer> {
  hashNatively()
  const logger = createLogger(config)
  const opened: { close(): Promise<void> }[] = []
  const close = async (): Promise<void> => {
    for (const resource of opened.splice(0).reverse()) await resource.close()
  }
  try {
    const key = await loadServerKey(config.serverKeyFile, config.serverKeyPassphrase)
    const certificates = config.tls && (await openCertificates(config.tls, config.acme, logger))
    if (certificates) opened.push(certificates)
    const tracing = await openTracing(config.tracing, readSoftware().version)
    if (tracing) opened.push(tracing)
    const registry = await openRegistryView({ ...config.chain, neighborhood: config.neighborhood, log: logger, tracing })
    opened.push(registry)
    const self = ownServer(registry, key, config)
    const served = await isServed({ registry, self, key })
    const alreadyServing = new StartupError(
      'already_serving',
      `A process serves at ${self.endpoint} with the key ${key.keyId}: stop it first`,
    )
    if (served && config.store.kind === 'sqlite') throw alreadyServing
    const store = await openStore(config.store, `dred:{${config.chain.serverRegistry.toLowerCase()}-${self.id}}:`, logger)
    opened.push(store)
    if (served && !(store.shared && (await sharesStore({ registry, self, key }, store.shared.bus)))) throw alreadyServing
    if (!served && config.processes.count > 1 && !config.processes.joins) await assertPortFree(config)
    const signatures = openSignaturePool({ log: logger })
    opened.push(signatures)
    const node = await createNode(settingsOf(config, certificates), {
      store,
      registry,
      self,
      key,
      wallets: viemWalletChain(config.chain.rpcUrl),
      replicatorFactory: (context) =>
        createReplicator({ ...context, key, topology: topologies[config.relay.topology], verify: signatures.verifyForPeers }),
      verify: signatures.verify,
      signatures: () => signatures.statistics(),
      tracing,
      now: Date.now,
      logger,
    })
    opened.push(node)
    logger.info({ serverId: self.id, url: node.url, adminUrl: node.adminUrl }, 'serving')
    return { url: node.url, adminUrl: node.adminUrl, serverId: self.id, reload: async () => certificates?.look(), close }
  } catch (error) {
    await close()
    throw toStartupError(error, config)
  }
}

function settingsOf(
  { host, port, admin, limits, maxStreams, trustProxy, altSvc, identity, realtime, retention, processes, drain }: NodeConfig,
  tls: Certificates | undefined,
): NodeSettings {
  const given = { ...(tls === undefined ? {} : { tls }), ...(altSvc === undefined ? {} : { altSvc }) }
  const parts = { identity, realtime, retention, processes, drain, ...given }
  return { host, port, admin, limits, maxStreams, trustProxy, ...parts }
}

/** A port that processes share is shared with whoever else wants it: the first of them sees to it that nobody has it. */
async function assertPortFree({ host, port }: NodeConfig): Promise<void> {
  const probe = createServer()
  await new Promise<void>((resolve, reject) => {
    probe.once('error', reject)
    probe.listen(port, host, () => probe.close(() => resolve()))
  })
}
