import { limits } from '@dred/protocol'
import type { RegisteredKey, RegisteredServer, RegistryView } from './port.ts'

/** Of the former keys that are still accepted only so many of the latest count: each costs a verification when a signature is bad. */
const MAX_FORMER_KEYS = 8

/**
 * Who replicates with each other, in the order of ids: active servers, and those that were and lapsed, so that attesters that stop do not
 * stop replication. As any number may have lapsed, only so many are taken as a neighborhood can have, the latest attested first: everybody
 * who has read the same block takes the same ones.
 */
export function peersOf(servers: Iterable<RegisteredServer>): RegisteredServer[] {
  const active: RegisteredServer[] = []
  const lapsed: RegisteredServer[] = []
  for (const server of servers) {
    if (server.status === 'active') active.push(server)
    else if (server.status === 'pending' && server.validUntil > 0) lapsed.push(server)
  }
  lapsed.sort((a, b) => b.validUntil - a.validUntil || a.id - b.id)
  return [...active, ...lapsed].slice(0, limits.servers).sort((a, b) => a.id - b.id)
}

/**
 * Whether a server that replicated has left and may not yet have its stake back: nothing new is sent to it, but what it has is still pulled.
 */
export function isLeaving({ status, validUntil }: Pick<RegisteredServer, 'status' | 'validUntil'>): boolean {
  return status === 'exiting' && validUntil > 0
}

/** Every server that others link to: the peers and those that are leaving, these at most as many as peers, the latest attested first. */
export function linkedServers(registry: Pick<RegistryView, 'servers' | 'peers'>): RegisteredServer[] {
  const leaving = registry.servers().filter(isLeaving)
  leaving.sort((a, b) => b.validUntil - a.validUntil || a.id - b.id)
  return [...registry.peers(), ...leaving.slice(0, limits.servers)].sort((a, b) => a.id - b.id)
}

/** One of {@link linkedServers}. */
export function linkedServer(registry: Pick<RegistryView, 'servers' | 'peers' | 'peer'>, id: number): RegisteredServer | undefined {
  return registry.peer(id) ?? linkedServers(registry).find((server) => server.id === id)
}

/** @param now Unix seconds */
export function isAttested({ status, validUntil }: RegisteredServer, now: number): boolean {
  return status === 'active' && now <= validUntil
}

/**
 * The keys that speak for a server, the present one first.
 * @param now Unix seconds
 */
export function acceptedKeys(server: RegisteredServer, now: number): RegisteredKey[] {
  const former = server.formerKeys.filter(({ acceptedUntil }) => now <= acceptedUntil)
  return [server, ...former.slice(0, MAX_FORMER_KEYS)]
}
