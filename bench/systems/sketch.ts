import { join } from 'node:path'
import { freePort } from '../../node/src/testing/free-port.ts'
import { type Child, cores, launch } from '../lab/process.ts'
import { unitEnvironment } from './dred.ts'
import { openPublisher, openSubscriber, parcel } from './dred-client.ts'
import { newChannels } from './peers.ts'
import type { Cluster, StartOptions, System } from './port.ts'
import { startRedis } from './redis.ts'

/** What is left of Dred when it only checks signatures, keeps messages and passes them on: what its other duties cost is the difference. */
export const sketch: System = { name: 'sketch', label: 'sketch: check, keep, pass on', durability: 'every second', start }

async function start({ servers, folder }: StartOptions): Promise<Cluster> {
  const script = join(import.meta.dirname, 'sketch-server.ts')
  const links = await Promise.all(Array.from({ length: servers }, freePort))
  const stores: Awaited<ReturnType<typeof startRedis>>[] = []
  const nodes: Child[] = []
  for (const [index, link] of links.entries()) {
    const redis = await startRedis(folder, `redis-${index}`)
    stores.push(redis)
    const ports = [redis.port, link, ...links.filter((other) => other !== link)].map(String)
    const command = [process.execPath, script, ...ports]
    nodes.push(await launch(command, { name: `sketch-${index}`, folder, ready: /\n/, core: cores?.servers, env: unitEnvironment }))
  }
  const portOf = (server: number): number => Number(new URL(nodes[server]?.output.trim() ?? '').port)
  const frontPids = nodes.map(({ pid }) => pid)
  return {
    pids: [...frontPids, ...stores.map(({ pid }) => pid)],
    frontPids,
    versions: stores[0] ? { Redis: stores[0].version } : {},
    createChannels: newChannels(),
    prepare: async (messages) => parcel(messages),
    publisher: (server, answered) => openPublisher(portOf(server), answered),
    subscribe: (channel, server, reader) => openSubscriber(portOf(server), channel, reader),
    async stop() {
      await Promise.all([...nodes, ...stores].map((child) => child.stop()))
    },
  }
}
