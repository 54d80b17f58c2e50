import type { Static, TSchema } from 'typebox'
import { BatchResult, MessageBatch } from './batch.ts'
import { strict, Type } from './type.ts'
import { Capability, Challenge, Revocation, RevocationResult, Session, SessionRequest } from './identity/index.ts'
import { limits } from './limits.ts'
import { MemberList } from './membership/members.ts'
import { paths, type RouteName } from './paths.ts'
import { Presence, PresenceList, PresenceResult } from './presence.ts'
import { EndpointProof, Nonce } from './proof.ts'
import {
  ChannelDescription,
  ChannelPage,
  Cursor,
  Id,
  MessagePage,
  NeighborhoodId,
  PublishResult,
  SignedGenesis,
  SignedMessage,
  WellKnown,
} from './schemas.ts'

/** An HTTP route: the server registers it, the SDK calls it and OpenAPI describes it from this one declaration. */
export interface Route {
  method: 'GET' | 'POST' | 'PUT' | 'DELETE'
  /** Path template with `:name` parameters. */
  path: string
  summary: string
  params?: TSchema
  /** Without one the route takes no query. */
  querystring?: TSchema
  body?: TSchema
  /** Status → body; 204 comes without one. Streams have none. */
  response?: Record<number, TSchema>
}

const ChannelParams = Type.Object({ id: Id })
const Limit = Type.Optional(Type.Integer({ minimum: 1, maximum: limits.pageItems }))

export const PublishQuery = Type.Object(
  {
    stored: Type.Optional(
      Type.String({
        pattern: '^(quorum|all|[1-9][0-9]?)$',
        description:
          'Answer once so many servers have stored the message: a number, `quorum` (more than half of the neighborhood) or `all`',
      }),
    ),
    waitMs: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: limits.storedWaitMs,
        description: `With \`stored\`: answer after this many milliseconds all the same; ${limits.storedWaitMs} without it`,
      }),
    ),
  },
  strict,
)
export type PublishQuery = Static<typeof PublishQuery>

export const StreamQuery = Type.Object(
  {
    after: Type.Optional(Cursor),
    last: Type.Optional(
      Type.Integer({ minimum: 0, maximum: limits.pageItems, description: 'Start with this many of the newest messages' }),
    ),
    from: Type.Optional(Type.Literal('start', { description: 'Start with the oldest message kept' })),
    receipts: Type.Optional(Type.Literal('stored', { description: 'Tell on how many servers messages are stored, by `stored` events' })),
    presence: Type.Optional(Type.Literal('true', { description: 'Tell who is present, and who comes and goes, by `presence` events' })),
  },
  strict,
)
export type StreamQuery = Static<typeof StreamQuery>

/** Channels to follow together. */
export const StreamsRequest = Type.Object(
  {
    channels: Type.Record(Id, Type.Union([Cursor, Type.Null()], { description: 'What the reader has; null for what comes from now on' }), {
      minProperties: 1,
      maxProperties: limits.streamChannels,
    }),
    receipts: StreamQuery.properties.receipts,
    presence: Type.Optional(Type.Boolean({ description: 'Tell who is present, and who comes and goes, by `presence` events' })),
  },
  strict,
)
export type StreamsRequest = Static<typeof StreamsRequest>

export const HistoryQuery = Type.Object(
  {
    after: Type.Optional(Cursor),
    before: Type.Optional(Cursor),
    limit: Limit,
    waitMs: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: limits.pollWaitMs,
        description: 'With `after`: when nothing follows yet, answer once something does, or with an empty page after so many milliseconds',
      }),
    ),
  },
  strict,
)
export type HistoryQuery = Static<typeof HistoryQuery>

export const ChannelListQuery = Type.Object(
  {
    neighborhood: Type.Optional(NeighborhoodId),
    q: Type.Optional(Type.String({ minLength: 1, maxLength: limits.nameLength, description: 'Part of the name, in whatever case' })),
    cursor: Type.Optional(Type.String({ maxLength: 256 })),
    limit: Limit,
  },
  strict,
)
export type ChannelListQuery = Static<typeof ChannelListQuery>

export const ProofQuery = Type.Object({ nonce: Nonce }, strict)
export type ProofQuery = Static<typeof ProofQuery>

/** Of a control message. */
const control = {
  method: 'POST',
  params: ChannelParams,
  querystring: PublishQuery,
  body: SignedMessage,
  response: { 200: PublishResult, 201: PublishResult },
} as const

export const routes = {
  publish: {
    method: 'POST',
    path: paths.publish,
    summary: 'Publish a signed message; the same message again answers 200 with the same id',
    params: ChannelParams,
    querystring: PublishQuery,
    body: SignedMessage,
    response: { 200: PublishResult, 201: PublishResult },
  },
  publishBatch: {
    method: 'POST',
    path: paths.publishBatch,
    summary: 'Publish several signed messages in their order; each is judged and answered by itself',
    params: ChannelParams,
    querystring: PublishQuery,
    body: MessageBatch,
    response: { 200: BatchResult },
  },
  createChannel: {
    method: 'PUT',
    path: paths.createChannel,
    summary: 'Create a channel from its signed genesis; an identical one again answers 200',
    params: ChannelParams,
    body: SignedGenesis,
    response: { 200: ChannelDescription, 201: ChannelDescription },
  },
  describeChannel: {
    method: 'GET',
    path: paths.describeChannel,
    summary: 'Describe a channel',
    params: ChannelParams,
    response: { 200: ChannelDescription },
  },
  streamChannel: {
    method: 'GET',
    path: paths.streamChannel,
    summary: 'Follow a channel: history first, then live; NDJSON, or server-sent events by Accept: text/event-stream',
    params: ChannelParams,
    querystring: StreamQuery,
  },
  channelMessages: {
    method: 'GET',
    path: paths.channelMessages,
    summary: 'A page of history, oldest first: what follows `after`, or the newest up to and including `before`',
    params: ChannelParams,
    querystring: HistoryQuery,
    response: { 200: MessagePage },
  },
  listChannels: {
    method: 'GET',
    path: paths.listChannels,
    summary:
      'List the channels of a neighborhood, but for those of members; a page may be short, also empty, and `next` say where to go on',
    querystring: ChannelListQuery,
    response: { 200: ChannelPage },
  },
  openSession: {
    method: 'POST',
    path: paths.openSession,
    summary: 'Ask for a challenge (200), or answer one and get a bearer token (201)',
    body: SessionRequest,
    response: { 200: Challenge, 201: Session },
  },
  endSession: {
    method: 'DELETE',
    path: paths.endSession,
    summary: 'End the session of the bearer token',
    response: { 204: Type.Null() },
  },
  revokeDelegation: {
    method: 'POST',
    path: paths.revokeDelegation,
    summary: 'Take back delegations of a wallet, at every server of the neighborhood',
    body: Revocation,
    response: { 200: RevocationResult },
  },
  issueCapability: {
    method: 'POST',
    path: paths.issueCapability,
    summary: "Get a capability for a channel with a token gate, for the bearer's wallet and device",
    params: ChannelParams,
    response: { 201: Capability },
  },
  invite: { ...control, path: paths.invite, summary: 'Invite by a link or a key: a message with `control: "invite"`, signed by an owner' },
  join: { ...control, path: paths.join, summary: 'Join by an invitation, or ask to: a message with `control: "join"`' },
  approve: {
    ...control,
    path: paths.approve,
    summary: 'Let a key in, or make it an owner: a message with `control: "approve"`, signed by an owner',
  },
  leave: { ...control, path: paths.leave, summary: 'Leave: a message with `control: "leave"`' },
  remove: {
    ...control,
    path: paths.remove,
    summary: 'Remove a key, or take an invitation back: a message with `control: "remove"`, signed by an owner',
  },
  listMembers: {
    method: 'GET',
    path: paths.listMembers,
    summary: 'Who belongs to a channel, for those who may read it',
    params: ChannelParams,
    response: { 200: MemberList },
  },
  putPresence: {
    method: 'PUT',
    path: paths.putPresence,
    summary: 'Be present in a channel for a while, by a signed lease; renew it before it ends, or say that you are gone',
    params: ChannelParams,
    body: Presence,
    response: { 200: PresenceResult },
  },
  getPresence: {
    method: 'GET',
    path: paths.getPresence,
    summary: 'Who is present in a channel, on all servers',
    params: ChannelParams,
    response: { 200: PresenceList },
  },
  streamChannels: {
    method: 'POST',
    path: paths.streamChannels,
    summary: 'Follow many channels in one answer: of each history first, then live',
    body: StreamsRequest,
  },
  wellKnown: {
    method: 'GET',
    path: paths.wellKnown,
    summary: 'Who this server is, what it serves and which other servers it knows',
    response: { 200: WellKnown },
  },
  endpointProof: {
    method: 'GET',
    path: paths.endpointProof,
    summary: "Prove that the server's registered key is at this endpoint",
    querystring: ProofQuery,
    response: { 200: EndpointProof },
  },
} as const satisfies Record<RouteName, Route>
