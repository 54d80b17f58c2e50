import { Counter, Gauge, type Registry } from 'prom-client'
import type { RelayStatistics } from '../peers/port.ts'

/** What the relay counts, asked for at each scrape. */
export function registerRelayMetrics(registry: Registry, read: () => RelayStatistics): void {
  const registers = [registry]
  /** @param values of each label's value */
  const counter = (
    name: string,
    help: string,
    [label, values]: readonly [string, (statistics: RelayStatistics) => Record<string, number>],
  ) =>
    new Counter({
      name,
      help,
      registers,
      labelNames: [label],
      collect() {
        this.reset()
        for (const [value, count] of Object.entries(values(read()))) this.inc({ [label]: value }, count)
      },
    })
  const total = (name: string, help: string, count: (statistics: RelayStatistics) => number) =>
    new Counter({
      name,
      help,
      registers,
      collect() {
        this.reset()
        this.inc(count(read()))
      },
    })
  const gauge = (name: string, help: string, value: (statistics: RelayStatistics) => number) =>
    new Gauge({
      name,
      help,
      registers,
      collect() {
        this.set(value(read()))
      },
    })
  const ofPeers = (
    name: string,
    help: string,
    values: (statistics: RelayStatistics) => Iterable<readonly [peer: number, value: number | undefined]>,
  ) =>
    new Gauge({
      name,
      help,
      registers,
      labelNames: ['peer'],
      collect() {
        this.reset()
        for (const [peer, value] of values(read())) if (value !== undefined) this.set({ peer }, value)
      },
    })

  total('dred_relay_bodies_received_total', 'Messages with their body that other servers sent', ({ counters }) => counters.bodies)
  total('dred_relay_duplicates_total', 'Of these: messages that were here or on their way already', ({ counters }) => counters.duplicates)
  total('dred_relay_bodies_pushed_total', 'Messages passed on as the topology says', ({ counters }) => counters.pushed)
  total('dred_relay_bodies_resent_total', 'Messages sent again', ({ counters }) => counters.resent)
  total('dred_relay_probes_total', 'Questions whether a server has messages', ({ counters }) => counters.probes)
  total('dred_relay_pulls_total', 'Requests for what was missing', ({ counters }) => counters.pulls)
  counter('dred_relay_refused_total', 'Messages refused', ['reason', ({ counters }) => counters.refused])
  total('dred_relay_returned_total', 'Messages of this server that came home on a ring', ({ counters }) => counters.returned)
  total('dred_relay_causal_timeouts_total', 'Messages delivered without one that they follow', ({ counters }) => counters.causalTimeouts)
  total('dred_relay_blamed_total', 'Times that a server was seen not to pass on', ({ counters }) => counters.blamed)
  total('dred_relay_demotions_total', 'Times that a link had too much queued', ({ counters }) => counters.demotions)
  total('dred_relay_forks_total', 'Pairs of histories that one server signed', ({ counters }) => counters.forks)
  total('dred_relay_mismatches_total', 'Signed histories that are not what came as theirs', ({ counters }) => counters.mismatches)
  total(
    'dred_relay_invalid_statements_total',
    'Statements that the server which they name did not sign',
    ({ counters }) => counters.invalid,
  )
  counter('dred_relay_sent_bytes_total', 'Bytes sent to other servers', [
    'kind',
    (said) => ({ entries: said.bodyBytes, control: said.controlBytes }),
  ])
  gauge('dred_relay_pending_bytes', 'Bytes of entries that came and are neither stored nor refused', ({ pendingBytes }) => pendingBytes)
  gauge('dred_relay_joining', 'Whether the server still catches up with others: 1 or 0', ({ joining }) => Number(joining))
  ofPeers('dred_relay_link_queue_bytes', 'Bytes that wait to be written to a link', ({ links }) =>
    links.map((link) => [link.peer, link.queuedBytes]),
  )
  ofPeers('dred_relay_link_round_trip_seconds', 'Smallest round trip measured lately', ({ links }) =>
    links.map(({ peer, roundTripMs }) => [peer, roundTripMs === undefined ? undefined : roundTripMs / 1_000]),
  )
  ofPeers('dred_relay_receipt_timestamp_seconds', "Unix time of a peer's last signed receipt", ({ receipts }) =>
    [...receipts.values()].map(({ server, clock }) => [server, clock / 1_000]),
  )
}
