import { join } from 'node:path'
import { type Child, cores, launch } from '../lab/process.ts'
import { publisherOn, subscriberOn } from '../lab/socket.ts'
import { openWebSocket, textFrame } from '../lab/websocket.ts'
import { newChannels, peerFolder, versionOf } from './peers.ts'
import { type Cluster, type StartOptions, type System, Unavailable } from './port.ts'
import { startRedis } from './redis.ts'

export const socketIo: System = {
  name: 'socket.io',
  label: 'socket.io, memory',
  durability: 'none',
  start: (options) => start(options, false),
}

/** Its answers wait until Redis has the message. */
export const socketIoStreams: System = {
  name: 'socket.io-streams',
  label: 'socket.io + redis-streams',
  durability: 'every second',
  start: (options) => start(options, true),
}

const PATH = '/socket.io/?EIO=4&transport=websocket'
const handshake = [{ awaits: '"sid"' }, { send: '40', awaits: '40{"sid"' }]

async function start({ servers, folder }: StartOptions, keeps: boolean): Promise<Cluster> {
  if (servers > 1 && !keeps) throw new Unavailable('socket.io in memory has no cluster')
  const redis = keeps ? await startRedis(folder) : undefined
  const script = join(peerFolder, 'socket-io-server.mjs')
  const nodes: Child[] = []
  for (let index = 0; index < servers; index++) {
    const command = [process.execPath, script, ...(redis ? [`redis://127.0.0.1:${redis.port}`] : [])]
    nodes.push(await launch(command, { name: `socket-io-${index}`, folder, ready: /\n/, core: cores?.servers }))
  }
  const portOf = (server: number): number => Number(nodes[server]?.output)
  const frontPids = nodes.map(({ pid }) => pid)
  return {
    pids: [...frontPids, ...(redis ? [redis.pid] : [])],
    frontPids,
    versions: {
      'socket.io': versionOf('socket.io'),
      ...(redis ? { 'redis-streams-adapter': versionOf('@socket.io/redis-streams-adapter'), Redis: redis.version } : {}),
    },
    createChannels: newChannels(),
    async prepare([message]) {
      if (!message) throw new Error('An empty parcel')
      return { numbers: [message.n], bytes: textFrame(`420["publish","${message.channel}","${message.text}"]`) }
    },
    async publisher(server, answered) {
      const socket = await openWebSocket({ port: portOf(server), path: PATH, first: handshake }, (bytes) =>
        answered(bytes.includes('430[') ? undefined : new Error(bytes.toString())),
      )
      return publisherOn(socket)
    },
    async subscribe(channel, server, reader) {
      const first = [...handshake, { send: `420["join","${channel}"]`, awaits: '430[' }]
      const socket = await openWebSocket({ port: portOf(server), path: PATH, first }, reader)
      return subscriberOn(socket)
    },
    async stop() {
      await Promise.all(nodes.map((node) => node.stop()))
      await redis?.stop()
    },
  }
}
