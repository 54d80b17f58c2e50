import type { Static } from 'typebox'
import { limits } from './limits.ts'
import { Problem, PublishResult, SignedMessage } from './schemas.ts'
import { strict, Type } from './type.ts'

const bounds = { minItems: 1, maxItems: limits.batchMessages }

/** What a client posts to a channel's messages. */
export const MessageBatch = Type.Object(
  { messages: Type.Array(SignedMessage, { ...bounds, description: 'Each judged by itself, those that are taken in this order' }) },
  strict,
)
export type MessageBatch = Static<typeof MessageBatch>

/** A batch before its messages are judged. */
export const UnjudgedBatch = Type.Object({ messages: Type.Array(Type.Unknown(), bounds) }, strict)
export type UnjudgedBatch = Static<typeof UnjudgedBatch>

const Status = Type.Integer({ minimum: 200, maximum: 599, description: 'What the message would have been answered alone' })

export const BatchResult = Type.Object({
  results: Type.Array(
    Type.Union([Type.Object({ status: Status, ...PublishResult.properties }), Type.Object({ status: Status, problem: Problem })]),
    { description: 'One for each message, in their order' },
  ),
})
export type BatchResult = Static<typeof BatchResult>
