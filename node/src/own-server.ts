import type { RegisteredServer, RegistryView } from './chain/port.ts'
import { findOwnServer } from './chain/registry-view.ts'
import type { ServerKey } from './chain/server-key.ts'
import { isLeaving } from './chain/standing.ts'
import type { NodeConfig } from './config.ts'
import { Membership } from './membership.ts'
import { StartupError } from './startup-error.ts'

/**
 * Which server of its neighborhood the key is that of.
 * @throws StartupError `not_registered` when it is none that may serve, `key_file` when the key counts no more
 */
export function ownServer(registry: RegistryView, key: ServerKey, config: NodeConfig): RegisteredServer {
  const self = findOwnServer(registry, key.keyId)
  if (!self) {
    const where = `neighborhood ${config.neighborhood} of ${config.chain.serverRegistry}`
    throw new StartupError('not_registered', `The key ${key.keyId} is not a server of ${where}: register it first`)
  }
  const standing = new Membership(registry, { server: self.id, keyId: key.keyId }).standing()
  if (!standing.key.ok) throw new StartupError('key_file', `The key ${standing.key.detail}`)
  // What a server that is leaving has, its peers still need.
  if (!standing.serves && !isLeaving(self)) throw new StartupError('not_registered', standing.detail)
  return self
}
