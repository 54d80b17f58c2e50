import { topologies } from '@dred/protocol/relay'
import { pino } from 'pino'
import type { RegisteredServer } from '../../chain/port.ts'
import { loadServerKey } from '../../chain/server-key.ts'
import { createNode } from '../../node.ts'
import { createReplicator } from '../../peers/index.ts'
import { quick, quickRelay } from '../../peers/testing/cluster.ts'
import { openRedisStore } from '../../store/redis.ts'
import { noChain } from '../../testing/no-chain.ts'
import { MemoryRegistry } from '../../testing/registry-view.ts'
import { testSettings } from '../../testing/settings.ts'

/** What a process is told on its command line, as JSON. */
export interface NodeProcessOptions {
  id: number
  servers: RegisteredServer[]
  keyFile: string
  redis: string
}

/** What it says on its first line of stdout, as JSON. */
export interface NodeProcessReady {
  url: string
  /** Its name in the store. */
  process: string
}

/** A process of a server, until it is told to stop. */
async function serve({ id, servers, keyFile, redis }: NodeProcessOptions): Promise<void> {
  const store = await openRedisStore({ url: redis, prefix: 'dred:{two}:' })
  const key = await loadServerKey(keyFile)
  const node = await createNode(testSettings, {
    store,
    registry: new MemoryRegistry(servers),
    self: { id },
    key,
    wallets: noChain,
    replicatorFactory: (context) =>
      createReplicator({ ...context, key, topology: topologies.spt, timings: quick, relay: { timings: quickRelay } }),
    now: Date.now,
    logger: pino({ level: 'silent' }),
  })
  process.once('SIGTERM', () => {
    void node.close().then(() => store.close())
  })
  const ready: NodeProcessReady = { url: node.url, process: store.shared?.process ?? '' }
  process.stdout.write(`${JSON.stringify(ready)}\n`)
}

await serve(JSON.parse(process.argv[2] ?? '') as NodeProcessOptions)
