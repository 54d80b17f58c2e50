import type { RegistryView } from '../chain/port.ts'
import type { Standing } from '../membership.ts'
import type { Store } from '../store/port.ts'
import { messageOf } from '../thrown.ts'
import type { Certificates } from '../tls/port.ts'
import type { Check } from './server.ts'

export interface Examined {
  store: Store
  registry: RegistryView
  standing: Standing
  certificates: Certificates | undefined
  /** Unix milliseconds. */
  now: () => number
  closing: boolean
}

/** What has to be right for a server to be of use. */
export async function examine({ store, registry, standing, certificates, now, closing }: Examined): Promise<Record<string, Check>> {
  const { state, member, serves, detail, key } = standing
  const { fresh, ageMs, block } = registry.freshness()
  return {
    store: await store.ping().then(
      () => ({ ok: true }),
      (error: unknown) => ({ ok: false, detail: messageOf(error) }),
    ),
    chain: { ok: fresh, detail: `block ${block}, read ${Math.round(ageMs)} ms ago` },
    registered: { ok: member, detail: `${state}: ${detail}` },
    key: { ok: key.ok, detail: key.detail },
    ...(certificates ? { tls: examineCertificate(certificates, now()) } : {}),
    serving: closing ? { ok: false, detail: 'it ends, or was told to drain' } : { ok: serves },
  }
}

function examineCertificate({ current }: Certificates, now: number): Check {
  const end = new Date(current.notAfter).toISOString()
  const ok = current.notAfter > now
  return { ok, detail: ok ? `until ${end}` : `the certificate ended ${end}: renew it` }
}
