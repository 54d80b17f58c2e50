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
  close(): Promise<void>
}
