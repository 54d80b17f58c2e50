import { join } from 'node:path'
import { cores, launch } from '../lab/process.ts'
import { publisherOn, subscriberOn } from '../lab/socket.ts'
import { openWebSocket, textFrame } from '../lab/websocket.ts'
import { newChannels, peerFolder, versionOf } from './peers.ts'
import { type Cluster, type StartOptions, type System, Unavailable } from './port.ts'

export const ws: System = { name: 'ws', label: 'ws, hand-written', durability: 'none', start }

async function start({ servers, folder }: StartOptions): Promise<Cluster> {
  if (servers > 1) throw new Unavailable('The hand-written server has no cluster')
  const command = [process.execPath, join(peerFolder, 'ws-server.mjs')]
  const server = await launch(command, { name: 'ws', folder, ready: /\n/, core: cores?.servers })
  const port = Number(server.output)
  return {
    pids: [server.pid],
    frontPids: [server.pid],
    versions: { ws: versionOf('ws') },
    createChannels: newChannels(),
    async prepare([message]) {
      if (!message) throw new Error('An empty parcel')
      return { numbers: [message.n], bytes: textFrame(`publish ${message.channel}\n${message.text}`) }
    },
    async publisher(_server, answered) {
      const socket = await openWebSocket({ port, path: '/', first: [] }, (bytes) =>
        answered(bytes.includes('ok') ? undefined : new Error(bytes.toString())),
      )
      return publisherOn(socket)
    },
    async subscribe(channel, _server, reader) {
      const socket = await openWebSocket({ port, path: '/', first: [{ send: `join ${channel}\n`, awaits: 'ok' }] }, reader)
      return subscriberOn(socket)
    },
    stop: () => server.stop(),
  }
}
