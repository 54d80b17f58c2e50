import type { RelayStatistics } from '../peers/port.ts'
import type { Reading } from './definition.ts'

type Read = Reading<RelayStatistics>
type Count = Exclude<keyof RelayStatistics['counters'], 'refused'>

const PEER = { peer: 'the registry id of a server of the neighborhood' }

/** A count of the relay core. */
function counted(count: Count, definition: { name: string; help: string; advice?: string }): Read {
  return { ...definition, type: 'counter', read: ({ counters }) => counters[count] }
}

/** What is asked of the relay at each scrape. */
export const relayReadings: readonly Read[] = [
  {
    name: 'dred_peers_connected',
    type: 'gauge',
    help: 'Servers with a live, authenticated link; all others of the neighborhood, as a rule; in processes that do not lead 0',
    advice: '[Other servers](troubleshooting.md#other-servers)',
    read: ({ links }) => links.length,
  },
  {
    name: 'dred_relay_joining',
    type: 'gauge',
    help: 'Whether the server still catches up with others: 1 or 0',
    read: ({ joining }) => Number(joining),
  },
  {
    name: 'dred_relay_link_queue_bytes',
    type: 'gauge',
    help: 'Bytes that wait to be written to a link',
    labels: PEER,
    advice: 'Stays high: the peer, or the way to it, is too slow.',
    read: ({ links }) => links.map(({ peer, queuedBytes }) => [peer, queuedBytes]),
  },
  {
    name: 'dred_relay_link_round_trip_seconds',
    type: 'gauge',
    help: 'Smallest round trip measured lately',
    labels: PEER,
    read: ({ links }) => links.flatMap(({ peer, roundTripMs }) => (roundTripMs === undefined ? [] : [[peer, roundTripMs / 1_000]])),
  },
  {
    name: 'dred_relay_receipt_timestamp_seconds',
    type: 'gauge',
    help: "Unix time of a peer's last signed receipt",
    labels: PEER,
    advice: 'Old while the link is up: the peer takes messages and does not say that it stores them.',
    read: ({ receipts }) => [...receipts.values()].map(({ server, clock }) => [server, clock / 1_000]),
  },
  {
    name: 'dred_relay_pending_bytes',
    type: 'gauge',
    help: 'Bytes of entries that came and are neither stored nor refused',
    advice: 'Grows: the store is slower than what comes.',
    read: ({ pendingBytes }) => pendingBytes,
  },
  {
    name: 'dred_relay_sent_bytes_total',
    type: 'counter',
    help: 'Bytes sent to other servers',
    labels: { kind: '`entries`, `control`' },
    read: ({ bodyBytes, controlBytes }) => [
      ['entries', bodyBytes],
      ['control', controlBytes],
    ],
  },
  counted('bodies', { name: 'dred_relay_bodies_received_total', help: 'Messages with their body that other servers sent' }),
  counted('duplicates', {
    name: 'dred_relay_duplicates_total',
    help: 'Of these: messages that were here or on their way already',
  }),
  counted('pushed', { name: 'dred_relay_bodies_pushed_total', help: 'Messages passed on as the topology says' }),
  counted('resent', {
    name: 'dred_relay_bodies_resent_total',
    help: 'Messages sent again',
    advice: 'Grows on links that lose or hold messages.',
  }),
  counted('probes', { name: 'dred_relay_probes_total', help: 'Questions whether a server has messages' }),
  counted('pulls', { name: 'dred_relay_pulls_total', help: 'Requests for what was missing' }),
  counted('returned', { name: 'dred_relay_returned_total', help: 'Messages of this server that came home on a ring' }),
  counted('causalTimeouts', {
    name: 'dred_relay_causal_timeouts_total',
    help: 'Messages delivered without one that they follow',
    advice: 'A server holds messages back, or a client names ids that no server has.',
  }),
  counted('blamed', {
    name: 'dred_relay_blamed_total',
    help: 'Times that a server was seen not to pass on',
    advice: 'The log names it.',
  }),
  counted('demotions', { name: 'dred_relay_demotions_total', help: 'Times that a link had too much queued' }),
  counted('forks', {
    name: 'dred_relay_forks_total',
    help: 'Pairs of histories that one server signed',
    advice: 'Evidence against a server: the log has it. Tell the neighborhood.',
  }),
  counted('mismatches', {
    name: 'dred_relay_mismatches_total',
    help: 'Signed histories that are not what came as theirs',
    advice: 'As with forks: a server lies to some.',
  }),
  counted('invalid', {
    name: 'dred_relay_invalid_statements_total',
    help: 'Statements that the server which they name did not sign',
    advice: 'Whoever passed them on is faulty or hostile.',
  }),
  {
    name: 'dred_relay_refused_total',
    type: 'counter',
    help: 'Messages of other servers that were refused',
    labels: { reason: '`quota`: their origin has too much waiting; `ahead`: its clock is over 30 s ahead' },
    read: ({ counters }) => Object.entries(counters.refused),
  },
]
