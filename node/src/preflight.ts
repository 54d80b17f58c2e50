import { constants } from 'node:fs'
import { access, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { examineAdminToken } from './admin/token.ts'
import { openRegistryView } from './chain/registry-view.ts'
import { loadServerKey } from './chain/server-key.ts'
import type { NodeConfig } from './config.ts'
import { ownServer } from './own-server.ts'
import { StartupError, type StartupErrorCode } from './startup-error.ts'
import { probeStore } from './store/index.ts'
import { type Certificate, readCertificate } from './tls/certificate.ts'
import type { TlsConfig } from './tls/config.ts'
import { judgeEndpoint } from './tls/endpoint-certificate.ts'
import { toStartupError } from './to-startup-error.ts'

/** One thing that a server needs to start: there, or why not. */
export interface Finding {
  name: 'key' | 'tls' | 'admin' | 'store' | 'chain' | 'registered' | 'certificate'
  ok: boolean
  detail: string
  /** Why a start would fail. */
  code?: StartupErrorCode
}

const silent = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined }

/**
 * Examines all that a start needs, and changes nothing: files and who may read them, the certificate, the store, the chain and whether the
 * key is that of a server. A server that runs is not disturbed.
 */
export async function preflight(config: NodeConfig): Promise<Finding[]> {
  const findings: Finding[] = []
  const examine = async <T>(name: Finding['name'], work: () => Promise<T>, detail: (found: T) => string): Promise<T | undefined> => {
    try {
      const found = await work()
      findings.push({ name, ok: true, detail: detail(found) })
      return found
    } catch (error) {
      const known = toStartupError(error, config)
      if (!(known instanceof StartupError)) throw error
      findings.push({ name, ok: false, detail: known.message, code: known.code })
      return undefined
    }
  }
  const key = await examine(
    'key',
    () => loadServerKey(config.serverKeyFile, config.serverKeyPassphrase),
    ({ keyId }) => keyId,
  )
  const { tls, admin } = config
  const certificate =
    tls &&
    (await examine(
      'tls',
      () => usableCertificate(tls, config.acme),
      ({ detail }) => detail,
    ))
  const { tokenFile } = admin
  if (tokenFile !== undefined)
    await examine(
      'admin',
      () => examineAdminToken(tokenFile),
      () => tokenFile,
    )
  const { store } = config
  await examine(
    'store',
    () => (store.kind === 'sqlite' ? sqliteFile(store.path) : probeStore(store)),
    (detail) => detail,
  )
  const registry = await examine(
    'chain',
    () => openRegistryView({ ...config.chain, neighborhood: config.neighborhood, log: silent }),
    (view) => `block ${view.freshness().block}`,
  )
  const self =
    key &&
    registry &&
    (await examine(
      'registered',
      async () => ownServer(registry, key, config),
      ({ id, endpoint }) => `server ${id} at ${endpoint}`,
    ))
  // What is wrong with the files is said already.
  if (self && (certificate || !tls)) {
    const shown = { certificate, behindProxy: config.trustProxy.length > 0 }
    await examine(
      'certificate',
      async () => judgeEndpoint(self.endpoint, shown),
      (detail) => detail,
    )
  }
  await registry?.close()
  return findings
}

/** The certificate of the files, or that which a start would order. */
async function usableCertificate(files: TlsConfig, acme: NodeConfig['acme']): Promise<Pick<Certificate, 'covers'> & { detail: string }> {
  const isThere = await access(files.certFile).then(
    () => true,
    () => false,
  )
  if (acme && !isThere) return { covers: (host) => acme.domains.includes(host), detail: `to be ordered from ${acme.directoryUrl}` }
  const certificate = await readCertificate(files)
  const { notAfter } = certificate
  if (notAfter <= Date.now()) throw new StartupError('config', `The certificate in ${files.certFile} is over`)
  return { covers: (host) => certificate.covers(host), detail: `until ${new Date(notAfter).toISOString()}` }
}

/** A database that is there, or a folder where it can be made. */
async function sqliteFile(path: string): Promise<string> {
  const file = await stat(path).catch(() => undefined)
  const where = file ? path : dirname(path)
  await access(where, constants.R_OK | constants.W_OK).catch((cause: unknown) => {
    throw new StartupError('store_unavailable', `${where} cannot be written to`, cause)
  })
  return file ? path : `${path}, to be made`
}
