import { collectDefaultMetrics, Counter, Gauge, Registry } from 'prom-client'
import type { Standing } from '../membership.ts'
import type { RelayStatistics, ReplicationEvents } from '../peers/port.ts'
import { registerRelayMetrics } from './relay-metrics.ts'

/** What waits for messages now. */
export interface RealtimeCounts {
  hub: { streams: number; subscriptions: number }
  polls: { count: number }
}

/** Counts of one server, in a registry of its own: several servers can live in one process. */
export interface Metrics {
  accepted(): void
  duplicate(): void
  delivered(messages: number): void
  replication: ReplicationEvents
  /** Asks for a value at each scrape. */
  observe(source: { relay: () => RelayStatistics; realtime: RealtimeCounts; standing: () => Standing }): void
  /** Prometheus' text format. */
  text(): Promise<string>
  readonly contentType: string
}

export function createMetrics(): Metrics {
  const registry = new Registry()
  const registers = [registry]
  collectDefaultMetrics({ register: registry })
  const counter = (name: string, help: string): Counter => new Counter({ name, help, registers })
  const accepted = counter('dred_messages_accepted_total', 'Messages taken from clients')
  const duplicates = counter('dred_duplicates_total', 'Messages from clients that were there already')
  const delivered = counter('dred_messages_delivered_total', 'Messages written to streams')
  const sent = counter('dred_messages_sent_to_peers_total', 'Messages pushed to other servers')
  const replicated = new Counter({
    name: 'dred_messages_replicated_total',
    help: 'Entries that other servers sent, by what became of them',
    labelNames: ['result'],
    registers,
  })
  return {
    accepted: () => accepted.inc(),
    duplicate: () => duplicates.inc(),
    delivered: (messages) => delivered.inc(messages),
    replication: {
      sent: ({ kind }) => {
        if (kind === 'message') sent.inc()
      },
      received: (result) => replicated.inc({ result }),
    },
    observe: ({ relay, realtime, standing }) => {
      registerRelayMetrics(registry, relay)
      const gauge = (name: string, help: string, read: () => number): Gauge =>
        new Gauge({
          name,
          help,
          registers,
          collect() {
            this.set(read())
          },
        })
      gauge('dred_peers_connected', 'Servers with a live, authenticated link', () => relay().links.length)
      gauge('dred_streams_open', 'Streams that clients read', () => realtime.hub.streams)
      gauge('dred_stream_channels', 'Channels that they may follow, together', () => realtime.hub.subscriptions)
      gauge('dred_polls_waiting', 'Requests that wait for messages', () => realtime.polls.count)
      gauge('dred_serving', 'Whether the registry lets the server serve: 1 or 0', () => Number(standing().serves))
      gauge(
        'dred_attested_until_seconds',
        'Unix time until which the server is attested; 0 before the first time',
        () => standing().validUntil,
      )
      gauge(
        'dred_key_accepted_until_seconds',
        'Unix time until which the key of the server is accepted; +Inf while it is the present one',
        () => standing().key.acceptedUntil,
      )
    },
    text: () => registry.metrics(),
    contentType: registry.contentType,
  }
}
