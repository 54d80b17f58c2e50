import type { Static, TSchema } from 'typebox'
import { Type } from './type.ts'
import { limits } from './limits.ts'
import { paths, type RouteName } from './paths.ts'
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
  method: 'GET' | 'POST' | 'PUT'
  /** Path template with `:name` parameters. */
  path: string
  summary: string
  params?: TSchema
  /** Without one the route takes no query. */
  querystring?: TSchema
  body?: TSchema
  /** Status → body. Streams have none. */
  response?: Record<number, TSchema>
}

const ChannelParams = Type.Object({ id: Id })
const strict = { additionalProperties: false } as const
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
  },
  strict,
)
export type StreamQuery = Static<typeof StreamQuery>

export const HistoryQuery = Type.Object({ after: Type.Optional(Cursor), before: Type.Optional(Cursor), limit: Limit }, strict)
export type HistoryQuery = Static<typeof HistoryQuery>

export const ChannelListQuery = Type.Object(
  { neighborhood: Type.Optional(NeighborhoodId), cursor: Type.Optional(Type.String({ maxLength: 256 })), limit: Limit },
  strict,
)
export type ChannelListQuery = Static<typeof ChannelListQuery>

export const ProofQuery = Type.Object({ nonce: Nonce }, strict)
export type ProofQuery = Static<typeof ProofQuery>

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
    summary: 'List the channels of a neighborhood',
    querystring: ChannelListQuery,
    response: { 200: ChannelPage },
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
