import type { Static } from 'typebox'
import { TimeMs } from '../schemas.ts'
import { Type } from '../type.ts'

/** What lets a device read and write a channel with a token gate, at every server of the neighborhood. */
export const Capability = Type.Object({
  capability: Type.String({ description: 'For the header Dred-Capability' }),
  expiresAt: TimeMs,
  block: Type.Integer({ description: 'Number of the block at which the balance was read' }),
})
export type Capability = Static<typeof Capability>
