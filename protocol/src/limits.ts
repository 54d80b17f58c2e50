/** Bounds that every implementation keeps. A neighborhood's registry entry and a server's own settings may be tighter. */
export const limits = {
  /** Canonical bytes of one signed message. */
  messageBytes: 65_536,
  /** Bytes of an HTTP body with one message: the canonical form, its signature and room for white space. */
  bodyBytes: 98_304,
  /** Messages of one channel that are published together, and bytes of the HTTP body with them. */
  batchMessages: 64,
  batchBytes: 1_048_576,
  /** Bytes of a genesis in canonical form. */
  genesisBytes: 4_096,
  /** Ids in `prev`. */
  prevIds: 4,
  /** Characters of a nonce. */
  nonceLength: 64,
  /** Characters of a channel name. */
  nameLength: 64,
  /** How far in the future, in milliseconds, `sentAt` may lie. */
  clockSkewMs: 300_000,
  /** A channel's message lifetime, in milliseconds: one second to 30 days. */
  lifetimeMs: { min: 1_000, max: 2_592_000_000 },
  /** Time without a message after which a channel expires, in milliseconds: one second to 90 days. */
  idleMs: { min: 1_000, max: 7_776_000_000 },
  /** Items on one page. */
  pageItems: 500,
  /** Origins in one version vector, and numbers beyond the watermark for one origin. */
  vectorOrigins: 1_024,
  vectorExceptions: 1_024,
  /** Characters of a cursor. */
  cursorLength: 8_192,
  /** Active servers of one neighborhood: its registry allows no more. */
  servers: 64,
  /** Longest time, in milliseconds, that a server holds the answer to a publish until enough servers have stored the message. */
  storedWaitMs: 10_000,
  /** Hashes between a receipt and the root that is signed. */
  receiptPath: 16,
  /** Least milliseconds between two rounds of `stored` events on a stream. */
  storedEventMs: 100,
  /** Control messages of one channel that servers take from clients, and joins and leaves among them: the rest is for owners. */
  controls: 5_000,
  comingsAndGoings: 3_000,
  /** Requests to join a channel that wait for an owner, and uses of an invitation. */
  joinRequests: 500,
  inviteUses: 1_000,
  /** Devices that are present in one channel, channels that one device is present in, and the longest lease, in milliseconds. */
  presences: 1_000,
  presencesOfOneDevice: 200,
  presenceMs: 30_000,
  /** Bytes of what a device says of itself, as JSON. */
  presenceBytes: 1_024,
  /** Channels of one stream, and bytes of the request that names them. */
  streamChannels: 1_000,
  streamRequestBytes: 1_048_576,
  /** Longest time, in milliseconds, that a server holds the answer to a request for what follows a cursor until something does. */
  pollWaitMs: 30_000,
  /** Milliseconds between keepalives on a quiet stream. */
  keepaliveMs: 15_000,
  /** How long, in milliseconds, a challenge can be answered; characters of one. */
  challengeMs: 120_000,
  challengeLength: 2_048,
  /** Longest life of a wallet's delegation, in milliseconds; characters of one, and bytes of a wallet's signature. */
  delegationMs: 2_592_000_000,
  delegationLength: 4_096,
  walletSignatureBytes: 16_384,
  /** Bytes of a wallet's signature of a revocation, which servers pass on and keep. */
  revocationSignatureBytes: 3_840,
  /** Life of a capability for a channel with a token gate, in milliseconds. */
  capabilityMs: { min: 300_000, max: 900_000 },
} as const
