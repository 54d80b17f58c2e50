import type { Static } from 'typebox'
import { Type } from './type.ts'
import { Word } from './schemas.ts'

/** See `docs/protocol/statements.md`. */
export const EndpointProof = Type.Object({
  server: Type.Integer({ description: 'Id of the server in its registry' }),
  endpoint: Type.String({ description: 'The endpoint that is stated' }),
  keyX: Word('First coordinate of the P-256 key that signed'),
  keyY: Word('Second coordinate'),
  nonce: Word('As it was asked for'),
  r: Word('First half of the signature of EndpointProof'),
  s: Word('Second half, in the lower half of the curve order'),
})
export type EndpointProof = Static<typeof EndpointProof>

export const Nonce = Word('32 bytes of the choice of who asks')
