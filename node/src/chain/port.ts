import type { ServerEntry } from '@dred/protocol'

/** A P-256 key of a server. */
export interface RegisteredKey {
  /** 32-byte coordinates, 0x-prefixed hex. */
  keyX: `0x${string}`
  keyY: `0x${string}`
  /** 20 bytes, lowercase hex. */
  keyId: string
}

/** A key that was replaced. */
export interface FormerKey extends RegisteredKey {
  /** Last Unix second at which it speaks for the server. */
  acceptedUntil: number
}

/** What the registry has stored: an active server whose attestation ended stays active there until somebody prunes it. */
export type ServerStatus = 'pending' | 'active' | 'exiting' | 'withdrawn' | 'slashed'

/** A server as the registry has it, with its present key. */
export interface RegisteredServer extends ServerEntry, RegisteredKey {
  keyId: string
  status: ServerStatus
  /** Last Unix second at which the latest attestation holds; 0 if there was none. */
  validUntil: number
  /** The latest first. */
  formerKeys: readonly FormerKey[]
  /** Where it wants to move: it does with the next attestation of that endpoint. */
  proposedEndpoint: string | undefined
}

/** What the chain says of one neighborhood, kept up to date in memory. */
export interface RegistryView {
  readonly chainId: number
  readonly serverRegistry: `0x${string}`
  readonly neighborhood: string
  /** Bounds that the neighborhood's owner set. */
  readonly parameters: { maxChannelLifetimeMs: number; maxChannelIdleMs: number; maxMessageBytes: number }
  /** Every server that ever registered, whatever became of it, in the order of ids. */
  servers(): readonly RegisteredServer[]
  server(id: number): RegisteredServer | undefined
  /** The servers that replicate with each other: see `peersOf`. */
  peers(): readonly RegisteredServer[]
  peer(id: number): RegisteredServer | undefined
  /** The servers that clients are told of: active ones whose attestation holds now. */
  attested(): readonly RegisteredServer[]
  /**
   * Unix seconds by which attestations and former keys end: the later of this server's clock and the newest block. The clock alone goes on
   * between blocks, which come rarely on a local chain; and the chain is ahead of it where its time was moved, as on a local one, or where the
   * clock is slow, so that nothing counts here that ended on the chain.
   */
  now(): number
  /** Called after any change of a server, and when an attestation or a former key has ended. @returns the way to stop it */
  onChange(listener: () => void): () => void
  /** How up to date the view is; while the chain cannot be read, the view stays as it was and is no longer fresh. */
  freshness(): RegistryFreshness
  close(): Promise<void>
}

export interface RegistryFreshness {
  /** Whether the chain was read recently enough to act on the view. */
  fresh: boolean
  /** Milliseconds since the chain was last read to its head. */
  ageMs: number
  /** Number of the last block read, and Unix seconds of it. */
  block: number
  blockAt: number
  /** Looks at the chain that failed since the start. */
  failures: number
}
