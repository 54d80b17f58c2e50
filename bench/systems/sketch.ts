import { join } from 'node:path'
import { cores, launch } from '../lab/process.ts'
import { unitEnvironment } from './dred.ts'
import { openPublisher, openSubscriber, parcel } from './dred-client.ts'
import { newChannels } from './peers.ts'
import { type Cluster, type StartOptions, type System, Unavailable } from './port.ts'
import { startRedis } from './redis.ts'

/** What is left of Dred when it only checks signatures, keeps messages and passes them on: what its other duties cost is the difference. */
export const sketch: System = { name: 'sketch', label: 'sketch: check, keep, pass on', durability: 'every second', start }

async function start({ servers, folder }: StartOptions): Promise<Cluster> {
  if (servers > 1) throw new Unavailable('The sketch has no peers')
  const redis = await startRedis(folder)
  const script = join(import.meta.dirname, 'sketch-server.ts')
  const command = [process.execPath, script, `${redis.port}`]
  const server = await launch(command, { name: 'sketch', folder, ready: /\n/, core: cores?.servers, env: unitEnvironment })
  const port = Number(new URL(server.output.trim()).port)
  return {
    pids: [server.pid, redis.pid],
    frontPids: [server.pid],
    versions: { Redis: redis.version },
    createChannels: newChannels(),
    prepare: async (messages) => parcel(messages),
    publisher: (_server, answered) => openPublisher(port, answered),
    subscribe: (channel, _server, reader) => openSubscriber(port, channel, reader),
    async stop() {
      await server.stop()
      await redis.stop()
    },
  }
}
