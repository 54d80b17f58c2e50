import type { Store } from './port.ts'

/** The `store` part of the configuration. */
export type StoreConfig = { kind: 'sqlite'; path: string } | { kind: 'redis'; url: string; prefix?: string }

/**
 * Opens the configured store; only its adapter is loaded.
 * @param prefix of the keys in a Redis, which may hold other servers' stores too, unless one is configured
 * @throws DredError `store_unavailable` when it cannot be opened now; the detail says why
 */
export async function openStore(config: StoreConfig, prefix: string): Promise<Store> {
  if (config.kind === 'sqlite') return (await import('./sqlite.ts')).openSqliteStore({ path: config.path })
  return (await import('./redis.ts')).openRedisStore({ prefix, ...config })
}
