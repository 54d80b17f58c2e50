import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { provisionMosquitto } from '../../scripts/provision.mjs'
import { freePort } from '../../node/src/testing/free-port.ts'
import { cores, launch } from '../lab/process.ts'
import { Greeting, open, publisherOn, subscriberOn } from '../lab/socket.ts'
import { newChannels } from './peers.ts'
import type { Answered, Cluster, Message, Parcel, Publisher, StartOptions, System } from './port.ts'
import { Unavailable } from './port.ts'

/** Published with quality of service 1, which is answered, and delivered with 0. */
export const mosquitto: System = { name: 'mosquitto', label: 'Mosquitto, QoS 1→0', durability: 'none', start }

const PACKET_ID = Buffer.from([0, 1])

async function start({ servers, folder }: StartOptions): Promise<Cluster> {
  if (servers > 1) throw new Unavailable('Mosquitto has no cluster')
  const program = provisionMosquitto()
  const port = await freePort()
  const file = join(folder, 'mosquitto.conf')
  writeFileSync(file, `listener ${port} 127.0.0.1\nallow_anonymous true\npersistence false\nset_tcp_nodelay true\n`)
  const broker = await launch([program, '-c', file], { name: 'mosquitto', folder, ready: /running/, core: cores?.servers })
  return {
    pids: [broker.pid],
    frontPids: [broker.pid],
    versions: { mosquitto: /version ([\d.]+)/.exec(String(spawnSync(program, ['-h']).stdout))?.[1] ?? 'unknown' },
    createChannels: newChannels('c/'),
    prepare: async ([message]) => parcel(message),
    publisher: (_server, answered) => publisher(port, answered),
    async subscribe(channel, _server, reader) {
      const socket = await connected(port, reader, packet(0x82, Buffer.concat([PACKET_ID, string(channel), Buffer.from([0])])))
      return subscriberOn(socket)
    },
    stop: () => broker.stop(),
  }
}

function parcel(message: Message | undefined): Parcel {
  if (!message) throw new Error('An empty parcel')
  const { channel, text, n } = message
  return { numbers: [n], bytes: packet(0x32, Buffer.concat([string(channel), PACKET_ID, Buffer.from(text)])) }
}

async function publisher(port: number, answered: Answered): Promise<Publisher> {
  // A PUBACK has four bytes and is never cut here: one is outstanding.
  const socket = await connected(port, (bytes) =>
    answered(bytes[0] === 0x40 ? undefined : new Error(`Not a PUBACK: ${bytes.toString('hex')}`)),
  )
  return publisherOn(socket)
}

/** Resolves once the connection, and what was asked with it, is confirmed. */
async function connected(port: number, reader: (bytes: Buffer) => void, also: Buffer = Buffer.alloc(0)) {
  const confirmed = also.length > 0 ? 9 : 4
  const greeting = new Greeting((text) => text.length >= confirmed, reader)
  const socket = await open(port, greeting.read)
  const client = string(`bench-${Math.random().toString(36).slice(2)}`)
  // MQTT 3.1.1, a clean session, no keepalive.
  socket.write(Buffer.concat([packet(0x10, Buffer.concat([string('MQTT'), Buffer.from([4, 2, 0, 0]), client])), also]))
  await greeting.over()
  return socket
}

function packet(type: number, body: Buffer): Buffer {
  const length: number[] = []
  for (let rest = body.length; ; rest >>= 7) {
    if (rest < 128) {
      length.push(rest)
      return Buffer.concat([Buffer.from([type, ...length]), body])
    }
    length.push((rest & 127) | 128)
  }
}

function string(text: string): Buffer {
  const bytes = Buffer.from(text)
  return Buffer.concat([Buffer.from([bytes.length >> 8, bytes.length & 255]), bytes])
}
