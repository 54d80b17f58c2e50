import { setTimeout as delay } from 'node:timers/promises'
import { signMessage, verifyMessage } from '@dred/protocol'
import type { RegisteredServer } from '../../chain/port.ts'
import { loadServerKey } from '../../chain/server-key.ts'
import { messageEntry } from '../../entries.ts'
import { Incarnation } from '../../incarnation.ts'
import { openSqliteStore } from '../../store/sqlite.ts'
import { MemoryRegistry } from '../../testing/registry-view.ts'
import { testSigner } from '../../testing/test-node.ts'
import { createReplicator } from '../replicator.ts'
import { quick, quickRelay } from './cluster.ts'

/** What a process of a server is told on its command line, as JSON. */
export interface ServerProcessOptions {
  id: number
  servers: RegisteredServer[]
  keyFile: string
  /** Of its SQLite store. */
  path: string
  /** To append to, on and on; only to replicate, when there is none. */
  channel?: string
}

/** A server that dials others, as it has the lowest id, and writes `<id> <incarnation> <n>` for every message that it took, until it is killed. */
async function serve({ id, servers, keyFile, path, channel }: ServerProcessOptions): Promise<void> {
  const store = await openSqliteStore({ path })
  const incarnation = new Incarnation(id, await store.vector(), Date.now)
  const replicator = createReplicator({
    store,
    registry: new MemoryRegistry(servers),
    key: await loadServerKey(keyFile),
    self: () => incarnation.self,
    outgrow: (known) => incarnation.renew(known),
    timings: quick,
    relay: { timings: quickRelay },
  })
  process.once('SIGTERM', () => {
    void replicator.stop().then(() => store.close())
  })
  await replicator.start()
  const signer = await testSigner()
  for (let batch = 0; channel !== undefined; batch++) {
    const messages = Array.from({ length: 1 + (batch % 8) }, (_, i) => `${incarnation.self.incarnation} ${batch}.${i}`)
    await Promise.all(
      messages.map(async (message) => {
        const { signed } = await signMessage(signer, channel, { message, sentAt: Date.now() })
        const entry = messageEntry(await verifyMessage(channel, signed), 600_000)
        const { coordinate } = await store.append(entry, incarnation.self, replicator.clock())
        process.stdout.write(`${entry.id} ${coordinate.incarnation} ${coordinate.n}\n`)
      }),
    )
    await delay(1)
  }
}

await serve(JSON.parse(process.argv[2] ?? '') as ServerProcessOptions)
