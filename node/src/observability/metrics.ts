import { collectDefaultMetrics, Registry } from 'prom-client'
import type { ReplicationEvents } from '../peers/port.ts'
import type { PublisherOptions } from '../publisher.ts'
import type { HubOptions } from '../realtime/hub.ts'
import { type Instruments, makeInstruments, registerReadings } from './definition.ts'
import { events } from './events.ts'
import { type Observed, readings } from './readings.ts'
import { relayReadings } from './relay-readings.ts'

/** Counts of one server, in a registry of its own: several servers can live in one process. */
export interface Metrics extends Instruments<typeof events> {
  replication: ReplicationEvents
  realtime: Required<Pick<HubOptions, 'onDelivered' | 'onPassedOn' | 'onClosed'>>
  published: PublisherOptions['onPublished']
  /** Names what is asked for values at each scrape. To be called once. */
  observe(source: Observed): void
  /** Prometheus' text format. */
  text(): Promise<string>
  readonly contentType: string
}

export function createMetrics(): Metrics {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  const instruments = makeInstruments(registry, events)
  const { sent, replicated } = instruments
  return {
    ...instruments,
    replication: {
      sent: ({ kind }) => {
        if (kind === 'message') sent.inc()
      },
      received: (result) => replicated.inc({ result }),
    },
    realtime: {
      onDelivered: (messages) => instruments.delivered.inc(messages),
      onPassedOn: (messages, ms) => {
        instruments.fanOutMessages.inc(messages)
        instruments.fanOutSeconds.observe(ms / 1_000)
      },
      onClosed: (reason) => instruments.streamsClosed.inc({ reason }),
    },
    published: (created, ms) => {
      instruments[created ? 'accepted' : 'duplicates'].inc()
      instruments.publishSeconds.observe(ms / 1_000)
    },
    observe: (source) => {
      source.store.onReconnected(() => instruments.reconnects.inc())
      for (const section of Object.values(readings)) registerReadings(registry, section, () => source)
      registerReadings(registry, relayReadings, source.relay)
    },
    text: () => registry.metrics(),
    contentType: registry.contentType,
  }
}
