import type { Address } from 'viem'
import { remaining, time } from '../units.ts'
import { chainTime, type Deployed, type TokenInfo } from './chain.ts'
import { examineServer, faultsOf, moveOf } from './compliance/examine.ts'
import { listActiveServers, type ServerView, showServer } from './discovery.ts'
import { readStake } from './server-calls.ts'
import { type ChainServer, isMember, readEndpoints, readServer, statusAt } from './servers.ts'

export interface Tick {
  name: string
  ok: boolean
  detail: string
}

/** Everything that can keep a server from its clients. Times are Unix seconds. */
export interface ServerState {
  server: number
  neighborhood: string
  status: string
  endpoint: string
  proposedEndpoint: string | null
  keyId: string
  operator: Address
  payout: Address
  stake: bigint
  token: TokenInfo
  validUntil: number | null
  unlockAt: number | null
  ticks: Tick[]
}

/** @throws CliError `unknown_server`, `discovery_unreachable`; viem's errors */
export async function readServerState(deployed: Deployed, id: number, discovery: readonly string[]): Promise<ServerState> {
  const server = await readServer(deployed, id)
  const [now, { present, proposed }, { token, unlockAt }, reachable, shown] = await Promise.all([
    chainTime(deployed.client),
    readEndpoints(deployed, id, server),
    readStake(deployed, id),
    reach(deployed, id, server),
    discovery.length === 0 ? undefined : discoveryTicks(discovery, id, server),
  ])
  const status = statusAt(server, now)
  return {
    server: id,
    neighborhood: String(server.neighborhood),
    status,
    endpoint: present,
    proposedEndpoint: proposed ?? null,
    keyId: server.keyId.toLowerCase(),
    operator: server.operator,
    payout: server.payout,
    stake: server.stake,
    token,
    validUntil: server.validUntil === 0 ? null : server.validUntil,
    unlockAt,
    ticks: [
      { name: 'registered', ok: isMember(server), detail: isMember(server) ? '' : `it is ${status}` },
      { name: 'attested', ok: status === 'active', detail: attested(server, now) },
      reachable,
      ...(shown ?? []),
    ],
  }
}

function attested(server: ChainServer, now: number): string {
  const { validUntil } = server
  if (!isMember(server)) return 'it has left'
  if (validUntil === 0) return 'never yet: an attester of the neighborhood has to examine it'
  return validUntil < now ? `it lapsed at ${time(validUntil)}` : `until ${time(validUntil)}, ${remaining(validUntil - now)}`
}

/** As an attester would find it. */
async function reach(deployed: Deployed, id: number, server: ChainServer): Promise<Tick> {
  const name = 'reachable'
  if (!isMember(server)) return { name, ok: false, detail: 'it has left' }
  const examined = await examineServer(deployed, id)
  const { examination } = examined
  const { passed, endpoint, checks } = examination
  if (!passed) return { name, ok: false, detail: faultsOf(examination).join('; ') }
  const remarks = checks.flatMap(({ detail }) => detail ?? [])
  return {
    name,
    ok: true,
    detail: [`at ${endpoint}, ${checks.length} checks passed`, ...remarks, moveOf(examined) ?? []].flat().join('; '),
  }
}

async function discoveryTicks(urls: readonly string[], id: number, server: ChainServer): Promise<Tick[]> {
  const [shown, active] = await Promise.all([showServer(urls, id), listActiveServers(urls, server.neighborhood)])
  const served = active.some((entry) => entry.id === id)
  return [
    {
      name: 'indexed',
      ok: isSame(shown, server),
      detail: shown ? (isSame(shown, server) ? '' : 'discovery shows an older state') : 'discovery does not know it',
    },
    { name: 'served', ok: served, detail: served ? 'clients find it' : 'clients do not get it from discovery' },
  ]
}

function isSame(shown: ServerView | undefined, server: ChainServer): boolean {
  return shown !== undefined && shown.keyId === server.keyId.toLowerCase() && (shown.validUntil ?? 0) === server.validUntil
}
