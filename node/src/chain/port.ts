import type { ServerEntry } from '@dred/protocol'

/** A server as the registry has it, with its P-256 key. */
export interface RegisteredServer extends ServerEntry {
  /** 32-byte coordinates of the server key, 0x-prefixed hex. */
  keyX: `0x${string}`
  keyY: `0x${string}`
}

/** What the chain says of one neighborhood, kept up to date in memory. Active servers only. */
export interface RegistryView {
  readonly chainId: number
  readonly serverRegistry: `0x${string}`
  readonly neighborhood: string
  /** Bounds that the neighborhood's owner set. */
  readonly parameters: { maxChannelLifetimeMs: number; maxChannelIdleMs: number; maxMessageBytes: number }
  servers(): readonly RegisteredServer[]
  server(id: number): RegisteredServer | undefined
  /** Called after any change of `servers()`. @returns the way to stop it */
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
  /** Number of the last block read. */
  block: number
}
