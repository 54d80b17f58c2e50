import { join } from 'node:path'
import { type Child, cores, launch } from '../lab/process.ts'
import { Greeting, open, publisherOn, subscriberOn } from '../lab/socket.ts'
import { peerFolder, versionOf } from './peers.ts'
import type { Cluster, StartOptions, System } from './port.ts'

const folder = join(peerFolder, 'p2p')

/** Nodes of a peer-to-peer network, each with the same thin way in for publishers and subscribers (bench/peers/p2p/host.mjs). */
export const gossipsub = networkOf({ name: 'gossipsub', label: 'libp2p gossipsub, signed', packages: ['libp2p', '@libp2p/gossipsub'] })
export const streamr = networkOf({ name: 'streamr', label: 'Streamr network node', packages: ['@streamr/trackerless-network'] })

interface Network {
  name: 'gossipsub' | 'streamr'
  label: string
  packages: readonly string[]
}

function networkOf(network: Network): System {
  return { name: network.name, label: network.label, durability: 'none', start: (options) => start(network, options) }
}

async function start({ name, packages }: Network, options: StartOptions): Promise<Cluster> {
  const nodes: Child[] = []
  const found: { port: number; address: unknown }[] = []
  for (let index = 0; index < options.servers; index++) {
    const others = found.map(({ address }) => (typeof address === 'string' ? address : JSON.stringify(address)))
    const command = [process.execPath, join(folder, `${name}.mjs`), ...others]
    const node = await launch(command, {
      name: `${name}-${index}`,
      folder: options.folder,
      ready: /^\{"port".*\n/m,
      core: cores?.servers,
      env: { LOG_LEVEL: 'error' },
    })
    nodes.push(node)
    found.push(JSON.parse(/^\{"port".*$/m.exec(node.output)?.[0] ?? '{}') as { port: number; address: unknown })
  }
  const portOf = (server: number): number => found[server]?.port ?? Number.NaN
  const pids = nodes.map(({ pid }) => pid)
  return {
    pids,
    frontPids: pids,
    versions: Object.fromEntries(packages.map((known) => [known, versionOf(known, folder)])),
    async createChannels(count) {
      const channels = Array.from({ length: count }, () => `c${Math.random().toString(36).slice(2)}`)
      for (const channel of channels) await Promise.all(found.map(({ port }) => ask(port, `join ${channel}`)))
      return channels
    },
    async prepare([message]) {
      if (!message) throw new Error('An empty parcel')
      return { numbers: [message.n], bytes: Buffer.from(`publish ${message.channel} ${message.text}\n`) }
    },
    async publisher(server, answered) {
      const socket = await open(portOf(server), (bytes) => answered(bytes[0] === 0x6f ? undefined : new Error(bytes.toString())))
      return publisherOn(socket)
    },
    async subscribe(channel, server, reader) {
      const socket = await ask(portOf(server), `subscribe ${channel}`, reader)
      return subscriberOn(socket)
    },
    async stop() {
      await Promise.all(nodes.map((node) => node.stop()))
    },
  }
}

async function ask(port: number, line: string, then?: (bytes: Buffer) => void) {
  const greeting = new Greeting((text) => text.includes('\n'), then ?? (() => undefined))
  const socket = await open(port, greeting.read)
  socket.write(`${line}\n`)
  const answer = await greeting.over(40_000)
  if (!answer.startsWith('ok')) throw new Error(answer)
  if (!then) socket.destroy()
  return socket
}
