import type { Static } from 'typebox'
import { PresenceEvent } from './presence.ts'
import { Type } from './type.ts'
import { Cursor, DeliveredMessage, Id, StoredEvent } from './schemas.ts'

/** One line of an NDJSON stream, or the data of one server-sent event (whose `event` is `type`, whose `id` is `cursor`), by its `type`. */
export const streamEvents = {
  /** First on every stream; `server` is its registry id. */
  open: Type.Object({ type: Type.Literal('open'), channel: Id, server: Type.Integer(), cursor: Cursor }),
  message: Type.Object({ type: Type.Literal('message'), ...DeliveredMessage.properties }),
  /** All history up to the stream's start has been sent; what follows is live. */
  control: Type.Object({ type: Type.Literal('control'), cursor: Cursor, caughtUp: Type.Literal(true) }),
  /** On streams that ask for it, when messages of the channel that entered at this server have come to be stored on more servers. */
  stored: StoredEvent,
  /** On streams that ask for it: right after `control` all who are present, and then who comes, goes or says something else. */
  presence: PresenceEvent,
  /** Every `limits.keepaliveMs` on a quiet stream. */
  keepalive: Type.Object({ type: Type.Literal('keepalive'), cursor: Cursor }),
  /** A problem document, whose own `type` the event's takes the place of. A server of a later version may have other codes. */
  error: Type.Object({
    type: Type.Literal('error'),
    title: Type.String(),
    status: Type.Integer(),
    code: Type.String(),
    retryable: Type.Boolean(),
    detail: Type.Optional(Type.String()),
    requestId: Type.Optional(Type.String()),
    oldest: Type.Optional(Cursor),
  }),
  /** Last on a stream that the server ends: come back after `retryMs` milliseconds with the last cursor, here or elsewhere. */
  close: Type.Object({
    type: Type.Literal('close'),
    reason: Type.Union([
      Type.Literal('shutting_down'),
      Type.Literal('slow_reader'),
      Type.Literal('channel_expired'),
      Type.Literal('not_serving'),
      Type.Literal('store_unavailable'),
      /** Of a stream of many channels: none of them can be followed any more. */
      Type.Literal('no_channels'),
    ]),
    retryMs: Type.Integer({ minimum: 0 }),
    cursor: Cursor,
  }),
} as const

export type StreamEvent = Static<(typeof streamEvents)[keyof typeof streamEvents]>

export type CloseReason = Static<typeof streamEvents.close>['reason']

/** The events of a stream of many channels: what concerns one names it. */
export const manyStreamEvents = {
  open: streamEvents.open,
  message: streamEvents.message,
  /** Of one channel. */
  control: Type.Object({ ...streamEvents.control.properties, channel: Id }),
  /** Concerns the messages of all channels, those too that come later. */
  stored: StoredEvent,
  presence: PresenceEvent,
  /** One for all channels. */
  keepalive: Type.Object({ type: Type.Literal('keepalive') }),
  /** The channel cannot be followed, or no longer; the others go on. */
  error: Type.Object({ ...streamEvents.error.properties, channel: Id }),
  /** With a channel: that one ends, the others go on. Without: the stream ends; each channel goes on from its last cursor. */
  close: Type.Object({
    type: Type.Literal('close'),
    channel: Type.Optional(Id),
    reason: streamEvents.close.properties.reason,
    retryMs: streamEvents.close.properties.retryMs,
    cursor: Type.Optional(Cursor),
  }),
} as const

export type ManyStreamEvent = Static<(typeof manyStreamEvents)[keyof typeof manyStreamEvents]>
