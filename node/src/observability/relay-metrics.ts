import { Counter, Gauge, type Registry } from 'prom-client'
import type { RelayStatistics } from '../peers/port.ts'

type Metric = readonly [name: string, help: string, value: (statistics: RelayStatistics) => number]
type LabelledMetric = readonly [
  name: string,
  help: string,
  label: string,
  values: (statistics: RelayStatistics) => readonly (readonly [label: string | number, value: number])[],
]

const counters: readonly Metric[] = [
  ['dred_relay_bodies_received_total', 'Messages with their body that other servers sent', ({ counters }) => counters.bodies],
  ['dred_relay_duplicates_total', 'Of these: messages that were here or on their way already', ({ counters }) => counters.duplicates],
  ['dred_relay_bodies_pushed_total', 'Messages passed on as the topology says', ({ counters }) => counters.pushed],
  ['dred_relay_bodies_resent_total', 'Messages sent again', ({ counters }) => counters.resent],
  ['dred_relay_probes_total', 'Questions whether a server has messages', ({ counters }) => counters.probes],
  ['dred_relay_pulls_total', 'Requests for what was missing', ({ counters }) => counters.pulls],
  ['dred_relay_returned_total', 'Messages of this server that came home on a ring', ({ counters }) => counters.returned],
  ['dred_relay_causal_timeouts_total', 'Messages delivered without one that they follow', ({ counters }) => counters.causalTimeouts],
  ['dred_relay_blamed_total', 'Times that a server was seen not to pass on', ({ counters }) => counters.blamed],
  ['dred_relay_demotions_total', 'Times that a link had too much queued', ({ counters }) => counters.demotions],
  ['dred_relay_forks_total', 'Pairs of histories that one server signed', ({ counters }) => counters.forks],
  ['dred_relay_mismatches_total', 'Signed histories that are not what came as theirs', ({ counters }) => counters.mismatches],
  ['dred_relay_invalid_statements_total', 'Statements that the server which they name did not sign', ({ counters }) => counters.invalid],
]

const gauges: readonly Metric[] = [
  ['dred_relay_pending_bytes', 'Bytes of entries that came and are neither stored nor refused', ({ pendingBytes }) => pendingBytes],
  ['dred_relay_joining', 'Whether the server still catches up with others: 1 or 0', ({ joining }) => Number(joining)],
]

const labelledCounters: readonly LabelledMetric[] = [
  ['dred_relay_refused_total', 'Messages refused', 'reason', ({ counters }) => Object.entries(counters.refused)],
  [
    'dred_relay_sent_bytes_total',
    'Bytes sent to other servers',
    'kind',
    ({ bodyBytes, controlBytes }) => [
      ['entries', bodyBytes],
      ['control', controlBytes],
    ],
  ],
]

const labelledGauges: readonly LabelledMetric[] = [
  [
    'dred_relay_link_queue_bytes',
    'Bytes that wait to be written to a link',
    'peer',
    ({ links }) => links.map(({ peer, queuedBytes }) => [peer, queuedBytes]),
  ],
  [
    'dred_relay_link_round_trip_seconds',
    'Smallest round trip measured lately',
    'peer',
    ({ links }) => links.flatMap(({ peer, roundTripMs }) => (roundTripMs === undefined ? [] : [[peer, roundTripMs / 1_000]])),
  ],
  [
    'dred_relay_receipt_timestamp_seconds',
    "Unix time of a peer's last signed receipt",
    'peer',
    ({ receipts }) => [...receipts.values()].map(({ server, clock }) => [server, clock / 1_000]),
  ],
]

/** What the relay counts, asked for at each scrape. */
export function registerRelayMetrics(registry: Registry, read: () => RelayStatistics): void {
  const registers = [registry]
  for (const [name, help, value] of counters)
    new Counter({
      name,
      help,
      registers,
      collect() {
        this.reset()
        this.inc(value(read()))
      },
    })
  for (const [name, help, value] of gauges)
    new Gauge({
      name,
      help,
      registers,
      collect() {
        this.set(value(read()))
      },
    })
  for (const [name, help, label, values] of labelledCounters)
    new Counter({
      name,
      help,
      registers,
      labelNames: [label],
      collect() {
        this.reset()
        for (const [of, value] of values(read())) this.inc({ [label]: of }, value)
      },
    })
  for (const [name, help, label, values] of labelledGauges)
    new Gauge({
      name,
      help,
      registers,
      labelNames: [label],
      collect() {
        this.reset()
        for (const [of, value] of values(read())) this.set({ [label]: of }, value)
      },
    })
}
