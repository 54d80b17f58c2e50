import type { Static } from 'typebox'
import { strict, Type } from './type.ts'
import { limits } from './limits.ts'

export const Id = Type.String({ pattern: '^[A-Za-z0-9_-]{43}$', description: 'SHA-256, base64url without padding' })
export const Key = Type.String({ pattern: '^[A-Za-z0-9_-]{43}$', description: 'Ed25519 public key, base64url without padding' })
export const Word = (description: string) => Type.String({ pattern: '^0x[0-9a-fA-F]{64}$', description })
export const Signature = Type.String({ pattern: '^[A-Za-z0-9_-]{86}$', description: 'Ed25519 signature, base64url without padding' })
export const TimeMs = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER, description: 'Unix time in milliseconds' })
export const NeighborhoodId = Type.String({ pattern: '^[1-9][0-9]{0,9}$', description: 'Decimal id of the neighborhood in its registry' })
export const Cursor = Type.String({
  minLength: 1,
  maxLength: limits.cursorLength,
  description: 'Opaque place in a channel, good at every server of its neighborhood',
})

/** What a message does to the membership of its channel, instead of saying something in it: see `docs/protocol/membership.md`. */
export const ControlName = Type.Union([
  Type.Literal('invite'),
  Type.Literal('join'),
  Type.Literal('approve'),
  Type.Literal('leave'),
  Type.Literal('remove'),
])
export type ControlName = Static<typeof ControlName>

/** What a client posts to a channel. */
export const SignedMessage = Type.Object(
  {
    message: Type.Unknown({ description: 'Any JSON value; opaque to the servers' }),
    key: Key,
    sentAt: TimeMs,
    prev: Type.Optional(Type.Array(Id, { maxItems: limits.prevIds, description: 'Ids of messages that the sender had seen' })),
    nonce: Type.Optional(
      Type.String({ pattern: `^[A-Za-z0-9_-]{1,${limits.nonceLength}}$`, description: 'Tells apart messages that are otherwise equal' }),
    ),
    control: Type.Optional(ControlName),
    sig: Signature,
  },
  strict,
)
export type SignedMessage = Static<typeof SignedMessage>

/** What a wallet has to hold to use a channel with access `token`. */
export const Gate = Type.Object(
  {
    standard: Type.Union([Type.Literal('erc20'), Type.Literal('erc721')]),
    contract: Type.String({ pattern: '^0x[0-9a-f]{40}$', description: 'Address of the token, lowercase' }),
    min: Type.String({
      pattern: '^[1-9][0-9]{0,77}$',
      description: 'Least balance: an amount in the smallest unit, or a number of tokens',
    }),
    chainId: Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER }),
  },
  strict,
)
export type Gate = Static<typeof Gate>

/** What makes a channel. Its id is the SHA-256 of the canonical form without `sig`. */
export const SignedGenesis = Type.Object(
  {
    v: Type.Literal(1),
    neighborhood: NeighborhoodId,
    key: Key,
    createdAt: TimeMs,
    mode: Type.Union([Type.Literal('causal'), Type.Literal('ordered')]),
    access: Type.Union([Type.Literal('open'), Type.Literal('members'), Type.Literal('token')]),
    gate: Type.Optional(Gate),
    name: Type.Optional(Type.String({ minLength: 1, maxLength: limits.nameLength })),
    lifetimeMs: Type.Integer({
      minimum: limits.lifetimeMs.min,
      maximum: limits.lifetimeMs.max,
      description: 'How long a message is kept, from its sentAt',
    }),
    idleMs: Type.Integer({
      minimum: limits.idleMs.min,
      maximum: limits.idleMs.max,
      description: 'Without a message for this long the channel expires',
    }),
    limits: Type.Object({ messageBytes: Type.Integer({ minimum: 1, maximum: limits.messageBytes }) }, strict),
    salt: Type.String({ pattern: '^[A-Za-z0-9_-]{22}$', description: '16 random bytes, base64url' }),
    sig: Signature,
  },
  strict,
)
export type SignedGenesis = Static<typeof SignedGenesis>

/** Where a message entered the neighborhood: see `docs/protocol/relay.md`. */
export const Coordinate = Type.Object(
  {
    server: Type.Integer({ minimum: 1, maximum: 0xffff_ffff, description: 'Id of the server in its registry' }),
    incarnation: Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER, description: 'New at every boot of that server' }),
    n: Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER, description: 'Gap-free count within the incarnation' }),
  },
  strict,
)
export type Coordinate = Static<typeof Coordinate>

/** A message as servers deliver it: the signed fields, and what the server says of it. */
export const DeliveredMessage = Type.Object({
  id: Id,
  sig: Signature,
  cursor: Cursor,
  origin: Coordinate,
  channel: Id,
  control: Type.Optional(ControlName),
  key: Key,
  message: Type.Unknown(),
  nonce: Type.Optional(Type.String()),
  prev: Type.Optional(Type.Array(Id)),
  sentAt: TimeMs,
  v: Type.Literal(1),
})
export type DeliveredMessage = Static<typeof DeliveredMessage>

const Count = (description: string) => Type.Integer({ minimum: 1, maximum: 0xffff_ffff, description })

/** What every statement of a server about what is stored holds. */
const stored = {
  v: Type.Literal(1),
  chainId: Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER }),
  serverRegistry: Type.String({ pattern: '^0x[0-9a-f]{40}$', description: 'Address of the registry of the servers' }),
  stored: Count('Servers that have it durably, at least, the signer among them'),
  servers: Count('Servers of the neighborhood'),
  signedAt: TimeMs,
  signature: Type.String({
    pattern: '^[A-Za-z0-9_-]{86}$',
    description: 'P-256 signature r ‖ s, base64url without padding',
  }),
} as const

/** A server's signed word that a message is stored durably; its coordinate is where the message entered the neighborhood. */
export const Receipt = Type.Object({
  type: Type.Literal('receipt'),
  signer: Count('Id of the server that signs'),
  channel: Id,
  id: Id,
  ...Coordinate.properties,
  acceptedAt: TimeMs,
  path: Type.Optional(
    Type.Array(Id, {
      maxItems: limits.receiptPath,
      description: 'What the hash of this receipt is hashed with, up to the root that is signed; a receipt that is alone has none',
    }),
  ),
  ...stored,
})
export type Receipt = Static<typeof Receipt>

/** A server's signed word that all messages which entered at it in this incarnation, up to count `n`, are stored. */
export const StoredEvent = Type.Object({ type: Type.Literal('stored'), ...Coordinate.properties, ...stored })
export type StoredEvent = Static<typeof StoredEvent>

export const PublishResult = Type.Object({ id: Id, cursor: Cursor, receipt: Receipt })
export type PublishResult = Static<typeof PublishResult>

/** RFC 9457; the codes are in `docs/protocol/errors.md`. */
export const Problem = Type.Object(
  {
    type: Type.String(),
    title: Type.String(),
    status: Type.Integer(),
    code: Type.String({ description: 'Explained at the address that is the type' }),
    retryable: Type.Boolean(),
    detail: Type.Optional(Type.String()),
    requestId: Type.Optional(Type.String()),
    oldest: Type.Optional(Type.String({ description: 'With cursor_expired: the cursor to go on from' })),
  },
  { description: 'A problem document (RFC 9457)' },
)

export const ChannelDescription = Type.Object({
  id: Id,
  genesis: SignedGenesis,
  expiresAt: TimeMs,
  messages: Type.Integer({ minimum: 0, description: 'Messages kept by this server now' }),
  retention: Type.Optional(
    Type.Object(
      {
        maxMessages: Type.Optional(Type.Integer({ minimum: 1 })),
        maxBytes: Type.Optional(Type.Integer({ minimum: 1, description: 'Of the signed texts of its messages' })),
        maxLifetimeMs: Type.Optional(Type.Integer({ minimum: 1, description: 'Since a message was sent' })),
        maxIdleMs: Type.Optional(Type.Integer({ minimum: 1, description: 'Since the latest message was sent' })),
      },
      { description: 'Bounds of this server of what it keeps of each channel, beside those of the genesis; the oldest messages go first' },
    ),
  ),
  cursor: Cursor,
})
export type ChannelDescription = Static<typeof ChannelDescription>

export const ChannelPage = Type.Object({
  items: Type.Array(ChannelDescription, { maxItems: limits.pageItems }),
  next: Type.Union([Type.String(), Type.Null()]),
})
export type ChannelPage = Static<typeof ChannelPage>

export const MessagePage = Type.Object({
  items: Type.Array(DeliveredMessage, { maxItems: limits.pageItems }),
  next: Type.Union([Cursor, Type.Null()], { description: 'Where to go on in the same direction; null at the end' }),
  cursor: { ...Cursor, description: 'After everything on the page: what follows it, now or later, is got by `after`' },
})
export type MessagePage = Static<typeof MessagePage>

export const ServerEntry = Type.Object({
  id: Type.Integer(),
  operator: Type.String(),
  keyId: Type.String(),
  endpoint: Type.String(),
  did: Type.String(),
})
export type ServerEntry = Static<typeof ServerEntry>

export const ServerKeyEntry = Type.Object({ keyX: Word('First coordinate of a P-256 key'), keyY: Word('Second coordinate') })

/** A server as others list it for clients. */
export const ListedServer = Type.Object({
  ...ServerEntry.properties,
  keys: Type.Array(ServerKeyEntry, { description: 'The keys that speak for it now, the present one first' }),
})

/** What a server offers to those who prove who they are; times in milliseconds. */
export const IdentityOffer = Type.Object({
  sessionMs: Type.Integer({ description: 'How long a bearer token holds' }),
  capabilityMs: Type.Integer({ description: 'How long a capability for a channel with a token gate holds' }),
  domains: Type.Optional(Type.Array(Type.String(), { description: 'Domains whose delegations it takes; without it those of any' })),
})
export type IdentityOffer = Static<typeof IdentityOffer>

export const WellKnown = Type.Object({
  protocol: Type.Object({ versions: Type.Array(Type.Integer()) }),
  software: Type.Object({ name: Type.String(), version: Type.String() }),
  server: Type.Object({
    id: Type.Integer(),
    keyId: Type.String(),
    publicKey: Type.Object({ x: Type.String(), y: Type.String() }),
    incarnation: Type.Integer(),
  }),
  chain: Type.Object({ id: Type.Integer(), serverRegistry: Type.String() }),
  neighborhoods: Type.Array(NeighborhoodId),
  limits: Type.Object({ messageBytes: Type.Integer(), pageItems: Type.Integer() }),
  identity: Type.Optional(IdentityOffer),
  servers: Type.Array(ListedServer, { description: 'Servers of the neighborhood whose attestation holds, as this server reads the chain' }),
  time: TimeMs,
})
export type WellKnown = Static<typeof WellKnown>
