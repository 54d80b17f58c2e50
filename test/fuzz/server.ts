import { pino } from 'pino'
import { newServerKey } from '../../node/src/testing/server-key.ts'
import { MemoryRegistry, registeredServer } from '../../node/src/testing/registry-view.ts'
import { testSettings } from '../../node/src/testing/settings.ts'
import type { RegisteredServer } from '../../node/src/chain/port.ts'
import { createNode } from '../../node/src/node.ts'
import { createReplicator } from '../../node/src/peers/index.ts'
import { quick } from '../../node/src/peers/testing/cluster.ts'
import { openRedisStore } from '../../node/src/store/redis.ts'
import { openSqliteStore } from '../../node/src/store/sqlite.ts'
// Ends the process at an error that is not declared, also in an event of a stream.
import '../setup.ts'

/** What the process is told on its command line, as JSON. */
export interface FuzzedServerOptions {
  /** A peer that is registered, with a lower id. */
  rogue: Pick<RegisteredServer, 'id' | 'keyX' | 'keyY' | 'keyId'>
  /** Of an SQLite file, or the URL of a Redis. */
  store: { path: string } | { url: string }
}

/** A server with its real store, links and HTTP in a process of its own, without limits, so that hostile requests get as far as they can. */
async function serve({ rogue, store: where }: FuzzedServerOptions): Promise<void> {
  const logger = pino({ level: 'error' }, pino.destination(2))
  const key = await newServerKey()
  const self = registeredServer(2, key)
  const { id, ...rogueKey } = rogue
  const registry = new MemoryRegistry([self, registeredServer(id, rogueKey)])
  const store = 'path' in where ? await openSqliteStore(where) : await openRedisStore({ url: where.url, prefix: 'dred:{fuzz}:' })
  const yes = async (): Promise<boolean> => true
  const node = await createNode(testSettings, {
    store,
    registry,
    self: { id: 2 },
    key,
    wallets: { signedDelegation: yes, signedText: yes, balance: async () => 2n },
    replicatorFactory: (context) => createReplicator({ ...context, key, timings: { ...quick, quarantine: { minMs: 1, maxMs: 1 } } }),
    now: Date.now,
    logger,
  })
  process.once('SIGTERM', () => {
    void node.close().then(() => store.close())
  })
  process.stdout.write(`${JSON.stringify({ url: node.url, adminUrl: node.adminUrl })}\n`)
}

await serve(JSON.parse(process.argv[2] ?? '') as FuzzedServerOptions)
