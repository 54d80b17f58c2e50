import type { ErrorCode } from './errors.ts'
import type { RouteName } from './paths.ts'

/** Whatever a request asks for: what is wrong with its head, or with who sends it. */
const always = [
  'malformed_request',
  'unsupported_version',
  'unauthorized',
  'token_expired',
  'delegation_revoked',
  'uri_too_long',
  'rate_limited',
  'headers_too_large',
  'shutting_down',
] as const satisfies ErrorCode[]
const body = ['malformed_json', 'request_timeout', 'body_too_large', 'unsupported_media_type'] as const satisfies ErrorCode[]
const store = ['not_serving', 'store_unavailable'] as const satisfies ErrorCode[]
const channel = [...store, 'unknown_channel', 'channel_expired'] as const satisfies ErrorCode[]
/** Of channels that are not open to everybody. */
const gate = ['not_a_member', 'capability_needed'] as const satisfies ErrorCode[]
const cursor = ['malformed_cursor', 'cursor_of_another_channel', 'cursor_expired', 'too_many_streams'] as const satisfies ErrorCode[]
const signature = ['weak_key', 'invalid_signature'] as const satisfies ErrorCode[]
const signed = [...signature, 'clock_skew', 'storage_full'] as const satisfies ErrorCode[]
const control = [
  ...always,
  ...body,
  ...channel,
  ...signed,
  'malformed_message',
  'malformed_statement',
  'channel_unsupported',
] as const satisfies ErrorCode[]

/**
 * Every error that a route can answer with, beside `internal`, which is a fault of the server. Events of a stream and items of a batch name
 * further ones, as the routes would that read or publish one by one.
 */
export const routeErrors = {
  publish: [...always, ...body, ...channel, ...gate, ...signed, 'malformed_message', 'malformed_statement', 'message_expired'],
  publishBatch: [...always, ...body, ...channel],
  createChannel: [
    ...always,
    ...body,
    ...store,
    ...signed,
    'malformed_genesis',
    'genesis_mismatch',
    'wrong_neighborhood',
    'channel_unsupported',
    'channel_expired',
    'too_many_channels',
  ],
  describeChannel: [...always, ...channel],
  streamChannel: [...always, ...channel, ...gate, ...cursor],
  channelMessages: [...always, ...channel, ...gate, ...cursor],
  listChannels: [...always, ...store, 'wrong_neighborhood', 'malformed_cursor'],
  openSession: [
    ...always,
    ...body,
    ...signature,
    'not_serving',
    'malformed_session',
    'challenge_expired',
    'delegation_refused',
    'chain_unavailable',
  ],
  endSession: [...always, ...body],
  revokeDelegation: [...always, ...body, ...store, ...signed, 'malformed_statement', 'chain_unavailable'],
  issueCapability: [...always, ...body, ...channel, 'channel_unsupported', 'gate_not_met', 'chain_unavailable'],
  invite: [...control, 'not_an_owner'],
  join: [...control, 'invalid_invitation', 'not_a_member'],
  approve: [...control, 'not_an_owner'],
  leave: [...control, 'not_a_member'],
  remove: [...control, 'not_an_owner', 'invalid_invitation'],
  listMembers: [...always, ...channel, ...gate],
  putPresence: [...always, ...body, ...channel, ...gate, ...signed, 'malformed_statement'],
  getPresence: [...always, ...channel, ...gate],
  streamChannels: [...always, ...body, 'not_serving', 'too_many_streams'],
  wellKnown: always,
  endpointProof: [...always, 'not_serving'],
} as const satisfies Record<RouteName, readonly ErrorCode[]>
