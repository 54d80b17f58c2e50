import type { RegistryView } from '../chain/port.ts'
import type { Connections } from '../http/connections.ts'
import type { Sessions } from '../identity/sessions.ts'
import type { Incarnation } from '../incarnation.ts'
import type { Limiter } from '../limits/limiter.ts'
import type { Standing } from '../membership.ts'
import type { ServerNotices } from '../notices/notices.ts'
import type { RelayStatistics } from '../peers/port.ts'
import type { Presence } from '../presence/presence.ts'
import type { SignatureStatistics } from '../signatures/pool.ts'
import type { Store } from '../store/port.ts'
import type { Certificates } from '../tls/port.ts'
import type { Check } from '../admin/server.ts'
import type { Reading } from './definition.ts'

/** What waits for messages now. */
export interface RealtimeCounts {
  hub: { streams: number; subscriptions: number }
  polls: { count: number }
}

/** What is asked for values at each scrape. */
export interface Observed {
  software: { version: string }
  checks: () => Promise<Record<string, Check>>
  standing: () => Standing
  leads: () => boolean
  incarnation: Pick<Incarnation, 'self'>
  relay: () => RelayStatistics
  realtime: RealtimeCounts
  connections: Pick<Connections, 'count' | 'refused' | 'bytes'>
  limiter: Pick<Limiter, 'remembered' | 'blocks'>
  sessions: Pick<Sessions, 'known'>
  presence: Pick<Presence, 'count'>
  notices: Pick<ServerNotices, 'statistics'>
  registry: Pick<RegistryView, 'freshness'>
  store: Pick<Store, 'size' | 'account' | 'onReconnected'>
  /** Undefined where signatures are not checked by threads. */
  signatures?: () => SignatureStatistics
  certificates: Certificates | undefined
}

type Read = Reading<Observed>

const serving: readonly Read[] = [
  {
    name: 'dred_build_info',
    type: 'gauge',
    help: 'Always 1; its label says which version runs',
    labels: { version: 'of this package' },
    read: ({ software }) => [[software.version, 1]],
  },
  {
    name: 'dred_check_ok',
    type: 'gauge',
    help: 'What has to be right for the server to be of use, as in `/readyz`: 1 or 0',
    labels: { check: '`store`, `chain`, `registered`, `key`, `tls` (where the server has a certificate), `serving`' },
    advice: '[Alerts](alerts.md) say what to do about each.',
    read: async ({ checks }) => Object.entries(await checks()).map(([name, { ok }]) => [name, Number(ok)]),
  },
  {
    name: 'dred_serving',
    type: 'gauge',
    help: 'Whether the registry lets the server serve: 1 or 0',
    advice: 'At 0 it is pending, its attestation has ended, or it leaves: `dred server status`.',
    read: ({ standing }) => Number(standing().serves),
  },
  {
    name: 'dred_attested_until_seconds',
    type: 'gauge',
    help: 'Unix time until which the server is attested; 0 before the first time',
    advice: 'Be attested again before it is over.',
    read: ({ standing }) => standing().validUntil,
  },
  {
    name: 'dred_key_accepted_until_seconds',
    type: 'gauge',
    help: 'Unix time until which the key of the server is accepted; +Inf while it is the present one',
    advice: 'Finite after a rotation: restart with the new key before.',
    read: ({ standing }) => standing().key.acceptedUntil,
  },
  {
    name: 'dred_leads',
    type: 'gauge',
    help: 'Whether this process has the links to the peers: 1 in one process of each server',
    read: ({ leads }) => Number(leads()),
  },
  {
    name: 'dred_incarnation_timestamp_seconds',
    type: 'gauge',
    help: 'Unix time at which the present incarnation began: with every start, and whenever the store may have lost something',
    advice: 'Changes without a restart: the store was away or lost its tail.',
    read: ({ incarnation }) => incarnation.self.incarnation / 1_000,
  },
]

const tls: readonly Read[] = [
  {
    name: 'dred_tls_certificate_not_after_seconds',
    type: 'gauge',
    help: 'Unix time at which the TLS certificate ends that connections are shown; only where the server has one',
    advice: 'Renew it before.',
    read: ({ certificates }) => (certificates ? certificates.current.notAfter / 1_000 : Number.NaN),
  },
  {
    name: 'dred_tls_certificates_refused_total',
    type: 'counter',
    help: 'New TLS certificates that were not fit for use',
    advice: 'The one before is still shown; the log says what is wrong with the new one.',
    read: ({ certificates }) => certificates?.refused ?? 0,
  },
]

const clients: readonly Read[] = [
  { name: 'dred_connections', type: 'gauge', help: 'Connections of clients and peers', read: ({ connections }) => connections.count },
  {
    name: 'dred_connections_refused_total',
    type: 'counter',
    help: 'Connections that were refused, because there were too many or too many from their address',
    advice: 'Raise `limits.connections`, or block who makes them: [limits.md](limits.md).',
    read: ({ connections }) => connections.refused,
  },
  {
    name: 'dred_received_bytes_total',
    type: 'counter',
    help: 'Bytes that came in on connections, TLS included',
    read: ({ connections }) => connections.bytes.received,
  },
  { name: 'dred_sent_bytes_total', type: 'counter', help: 'Likewise, that went out', read: ({ connections }) => connections.bytes.sent },
  { name: 'dred_streams_open', type: 'gauge', help: 'Streams that clients read', read: ({ realtime }) => realtime.hub.streams },
  {
    name: 'dred_stream_channels',
    type: 'gauge',
    help: 'Channels that they may follow, together',
    read: ({ realtime }) => realtime.hub.subscriptions,
  },
  { name: 'dred_polls_waiting', type: 'gauge', help: 'Requests that wait for messages', read: ({ realtime }) => realtime.polls.count },
  {
    name: 'dred_sessions_known',
    type: 'gauge',
    help: 'Bearer tokens that were used and are remembered, 20,000 at most; opened are `dred_http_requests_total{route="/session",method="POST",status="201"}`',
    read: ({ sessions }) => sessions.known,
  },
  {
    name: 'dred_present',
    type: 'gauge',
    help: 'Devices that are present in channels, each in every one',
    read: ({ presence }) => presence.count,
  },
  {
    name: 'dred_limit_keys',
    type: 'gauge',
    help: 'Addresses, devices, wallets and channels whose buckets are remembered, 20,000 of each at most',
    labels: { limit: '`address`, `creations`, `sessions`, `device`, `wallet`, `channel`' },
    read: ({ limiter }) => Object.entries(limiter.remembered),
  },
  { name: 'dred_blocks', type: 'gauge', help: 'Whom the operator has blocked', read: ({ limiter }) => limiter.blocks.list.length },
]

const notices: readonly Read[] = [
  {
    name: 'dred_notices',
    type: 'gauge',
    help: 'Presences and revocations that are held',
    read: ({ notices }) => notices.statistics().held,
  },
  {
    name: 'dred_notices_taken_total',
    type: 'counter',
    help: 'Notices that were new, from clients, peers and other processes',
    read: ({ notices }) => notices.statistics().taken,
  },
  {
    name: 'dred_notices_dropped_total',
    type: 'counter',
    help: 'Notices for which there was no room, or which were not valid',
    advice: 'A peer or many clients send more than is fair.',
    read: ({ notices }) => notices.statistics().dropped,
  },
]

const signatures: readonly Read[] = [
  {
    name: 'dred_signatures_waiting',
    type: 'gauge',
    help: 'Signatures that wait for a thread, of clients and of peers',
    advice: 'Thousands: the machine has too few cores for what is published.',
    read: ({ signatures }) => signatures?.().waiting ?? Number.NaN,
  },
  {
    name: 'dred_signature_threads',
    type: 'gauge',
    help: 'Threads that check signatures',
    advice: '0: they cannot be started, the log says why; checking is slower.',
    read: ({ signatures }) => signatures?.().threads ?? Number.NaN,
  },
  {
    name: 'dred_signatures_checked_total',
    type: 'counter',
    help: 'Signatures that threads have checked',
    read: ({ signatures }) => signatures?.().checked ?? 0,
  },
  {
    name: 'dred_signature_seconds_total',
    type: 'counter',
    help: 'Time that they took, waiting included, added up: divided by the number, the time of one',
    read: ({ signatures }) => signatures?.().seconds ?? 0,
  },
]

const store: readonly Read[] = [
  {
    name: 'dred_store_bytes',
    type: 'gauge',
    help: 'What the store takes: the file of SQLite, or the memory of the whole Redis',
    advice: 'Shorten lifetimes or give it more before it is full.',
    read: async ({ store }) => (await store.size()).bytes,
  },
  {
    name: 'dred_store_max_bytes',
    type: 'gauge',
    help: 'What it may take; +Inf without a bound of its own',
    read: async ({ store }) => (await store.size()).maxBytes,
  },
  {
    name: 'dred_store_messages',
    type: 'gauge',
    help: 'Messages that are kept',
    read: async ({ store }) => (await store.account()).messages,
  },
  {
    name: 'dred_store_message_bytes',
    type: 'gauge',
    help: 'Of their signed texts',
    read: async ({ store }) => (await store.account()).bytes,
  },
  {
    name: 'dred_store_channels',
    type: 'gauge',
    help: 'Channels that are known and have not expired',
    read: async ({ store }) => (await store.account()).channels,
  },
]

const chain: readonly Read[] = [
  {
    name: 'dred_chain_read_age_seconds',
    type: 'gauge',
    help: 'Time since the chain was last read to its head',
    advice: '[The chain](troubleshooting.md#the-chain)',
    read: ({ registry }) => registry.freshness().ageMs / 1_000,
  },
  {
    name: 'dred_chain_block_timestamp_seconds',
    type: 'gauge',
    help: 'Unix time of the newest block that was read',
    advice: 'Old while reading works: the RPC node does not follow the chain.',
    read: ({ registry }) => registry.freshness().blockAt,
  },
  { name: 'dred_chain_block', type: 'gauge', help: 'Its number', read: ({ registry }) => registry.freshness().block },
  {
    name: 'dred_chain_read_errors_total',
    type: 'counter',
    help: 'Looks at the chain that failed',
    advice: 'The RPC node is down, or refuses.',
    read: ({ registry }) => registry.freshness().failures,
  },
]

/** What the server is asked for at each scrape, in sections. */
export const readings = { serving, tls, clients, notices, signatures, store, chain } as const satisfies Record<string, readonly Read[]>
