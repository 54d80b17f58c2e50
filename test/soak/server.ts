import { pino } from 'pino'
import type { RegisteredServer } from '../../node/src/chain/port.ts'
import { loadServerKey } from '../../node/src/chain/server-key.ts'
import { noLimits } from '../../node/src/limits/config.ts'
import { createNode } from '../../node/src/node.ts'
import { createReplicator } from '../../node/src/peers/index.ts'
import { openRedisStore } from '../../node/src/store/redis.ts'
import { openSqliteStore } from '../../node/src/store/sqlite.ts'
import { noChain } from '../../node/src/testing/no-chain.ts'
import { MemoryRegistry } from '../../node/src/testing/registry-view.ts'
// Ends the process at an error that is not declared, also in an event of a stream.
import '../setup.ts'

/** What the process is told on its command line, as JSON. */
export interface SoakedServerOptions {
  id: number
  servers: RegisteredServer[]
  keyFile: string
  port: number
  store: { path: string } | { url: string }
}

const PURGE_EVERY_MS = 5_000

async function serve({ id, servers, keyFile, port, store: where }: SoakedServerOptions): Promise<void> {
  const key = await loadServerKey(keyFile)
  const store = 'path' in where ? await openSqliteStore(where) : await openRedisStore({ url: where.url, prefix: 'dred:{soak}:' })
  const address = { host: '127.0.0.1', port }
  const admin = { host: '127.0.0.1', port: 0 }
  const node = await createNode(
    { ...address, admin, limits: noLimits, maxStreams: 1_000, trustProxy: [], purgeEveryMs: PURGE_EVERY_MS },
    {
      store,
      registry: new MemoryRegistry(servers),
      self: { id },
      key,
      wallets: noChain,
      replicatorFactory: (context) => createReplicator({ ...context, key }),
      now: Date.now,
      logger: pino({ level: 'error' }, pino.destination(2)),
    },
  )
  process.once('SIGTERM', () => {
    void node.close().then(() => store.close())
  })
  process.stdout.write(`${JSON.stringify({ adminUrl: node.adminUrl })}\n`)
}

await serve(JSON.parse(process.argv[2] ?? '') as SoakedServerOptions)
