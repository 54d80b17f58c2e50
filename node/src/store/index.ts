import type { Store } from './port.ts'
import { openRedisStore } from './redis.ts'
import { openSqliteStore } from './sqlite.ts'

/** The `store` part of the configuration. */
export type StoreConfig =
  /** A file of this server alone. */
  | { kind: 'sqlite'; path: string }
  /** Servers that share a Redis need a prefix each; the default serves one. */
  | { kind: 'redis'; url: string; prefix?: string }

const DEFAULT_PREFIX = 'dred:{relay}:'

/** @throws DredError `store_unavailable` when the store cannot be opened now; the detail says why */
export async function openStore(config: StoreConfig): Promise<Store> {
  if (config.kind === 'sqlite') return openSqliteStore({ path: config.path })
  return openRedisStore({ url: config.url, prefix: config.prefix ?? DEFAULT_PREFIX })
}
