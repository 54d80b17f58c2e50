import type { Definition } from './definition.ts'

const FAST = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]
const ROUTE = 'the template of the route, such as `/channel/:id`; `none` when there is none'
const METHOD = '`GET`, `HEAD`, `POST`, `PUT`, `DELETE`, `OPTIONS`; `other`'

/** What is counted where it happens. */
export const events = {
  requests: {
    name: 'dred_http_requests_total',
    type: 'counter',
    help: 'Requests that were answered; streams and links of peers when they have ended',
    labels: { method: METHOD, route: ROUTE, status: 'HTTP status; 499 when the client left before the answer' },
    advice: 'A growing share of 5xx: see `dred_problems_total`.',
  },
  requestSeconds: {
    name: 'dred_http_request_seconds',
    type: 'histogram',
    help: 'Time from the head of a request to the end of its answer, without streams, waiting requests and links of peers',
    labels: { method: METHOD, route: ROUTE },
    buckets: FAST,
    advice:
      'Grows with `dred_store_operation_seconds` when the store is slow, with `nodejs_eventloop_lag_seconds` when the process is busy.',
  },
  problems: {
    name: 'dred_problems_total',
    type: 'counter',
    help: 'Requests, and messages of batches, that were refused or failed',
    labels: { code: 'a code of the [table of errors](../protocol/errors.md)' },
    advice:
      '`internal` is a fault of the server: look for `request failed` or `a stream failed` in the log. The others are explained by the table.',
  },
  limited: {
    name: 'dred_limited_total',
    type: 'counter',
    help: 'Requests and messages that were refused by a limit',
    labels: {
      limit:
        '`address`, `creations`, `sessions`, `device`, `wallet`, `channel`: the bucket that was empty; `at_once`: too much at one time; `blocked` by the operator; `other`: bounds that no setting moves',
    },
    advice: 'Somebody asks for too much, or too little is allowed: [limits.md](limits.md).',
  },
  publishSeconds: {
    name: 'dred_publish_seconds',
    type: 'histogram',
    help: 'Time from a message to its being durable: verified, judged, stored',
    buckets: FAST,
    advice: 'Compare `dred_store_operation_seconds{operation="append"}` and `dred_signatures_waiting`.',
  },
  accepted: { name: 'dred_messages_accepted_total', type: 'counter', help: 'Messages taken from clients' },
  duplicates: {
    name: 'dred_duplicates_total',
    type: 'counter',
    help: 'Messages from clients that were there already',
    advice: 'Clients that send again are not answered in time, or lose their connections.',
  },
  delivered: { name: 'dred_messages_delivered_total', type: 'counter', help: 'Messages written to streams, each for every reader' },
  fanOutSeconds: {
    name: 'dred_fan_out_seconds',
    type: 'histogram',
    help: 'Time from a message being announced by the store to its having been written to all readers of its channel; once for each round of messages that are written together',
    buckets: FAST,
    advice: 'Above 10 ms the process has too many readers for one core: [scaling.md](scaling.md).',
  },
  fanOutMessages: {
    name: 'dred_fan_out_messages_total',
    type: 'counter',
    help: 'Messages that were passed on to the readers of their channel; divided by the rounds (`dred_fan_out_seconds_count`): how many are written together',
  },
  streamsClosed: {
    name: 'dred_streams_closed_total',
    type: 'counter',
    help: 'Streams that the server ended',
    labels: {
      reason:
        'as in the `close` event: `slow_reader`, `shutting_down`, `store_unavailable`, `not_serving`, `channel_expired`, `no_channels`',
    },
    advice: '`slow_reader`: clients do not read as fast as messages come; they come back with their cursor.',
  },
  storeSeconds: {
    name: 'dred_store_operation_seconds',
    type: 'histogram',
    help: 'Time that operations of the store took, failed ones too',
    labels: { operation: 'a method of the store: `append`, `replicate`, `readForward`, …' },
    buckets: FAST,
    advice: 'A slow disk, or a Redis that is busy or far away.',
  },
  storeErrors: {
    name: 'dred_store_errors_total',
    type: 'counter',
    help: 'Operations of the store that failed',
    labels: { operation: 'as above', code: '`store_unavailable`, `storage_full`, `internal`' },
    advice: '[The store](troubleshooting.md#the-store)',
  },
  purged: {
    name: 'dred_purged_entries_total',
    type: 'counter',
    help: 'Entries deleted because they had expired, or were more than is kept',
  },
  cut: {
    name: 'dred_cut_messages_total',
    type: 'counter',
    help: 'Messages deleted before they expired: beyond what is kept at most',
    advice: '[Retention](retention.md)',
  },
  reconnects: {
    name: 'dred_store_reconnects_total',
    type: 'counter',
    help: 'Times that the store was back after it was out of reach, failovers of Redis among them',
    advice: '[The store](troubleshooting.md#the-store)',
  },
  sent: { name: 'dred_messages_sent_to_peers_total', type: 'counter', help: 'Messages pushed to other servers' },
  replicated: {
    name: 'dred_messages_replicated_total',
    type: 'counter',
    help: 'Entries that other servers sent, by what became of them',
    labels: { result: '`stored`, `known`, `refused` (too far ahead), `rejected` (not valid)' },
    advice: '`rejected`: a server sends what it must not.',
  },
} as const satisfies Record<string, Definition>
