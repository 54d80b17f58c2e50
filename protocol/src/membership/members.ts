import type { Static } from 'typebox'
import { Id, Key, TimeMs } from '../schemas.ts'
import { Type } from '../type.ts'

/** Who belongs to a channel, as a server knows it. */
export const MemberList = Type.Object({
  items: Type.Array(
    Type.Object({
      key: Key,
      role: Type.Union([Type.Literal('owner'), Type.Literal('member'), Type.Literal('pending'), Type.Literal('removed')]),
      since: TimeMs,
      by: Type.Optional(Id),
    }),
    { description: 'Those who left are not among them' },
  ),
  latestAt: Type.Integer({ minimum: 0, description: 'Latest date of a control message of the channel: the next one is to be dated later' }),
})
export type MemberList = Static<typeof MemberList>
