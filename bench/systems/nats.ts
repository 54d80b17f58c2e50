import { execFileSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { provisionNats } from '../../scripts/provision.mjs'
import { freePort } from '../../node/src/testing/free-port.ts'
import { type Child, cores, launch } from '../lab/process.ts'
import { Greeting, open, subscriberOn } from '../lab/socket.ts'
import { newChannels } from './peers.ts'
import type { Answered, Cluster, Message, Parcel, Publisher, StartOptions, Subscriber, System } from './port.ts'

const CONNECT =
  'CONNECT {"verbose":false,"pedantic":false,"lang":"bench","version":"1","protocol":1,"headers":true,"no_responders":true}\r\n'
const STREAM = 'bench'
const START_MS = 20_000

export const nats: System = {
  name: 'nats',
  label: 'NATS core',
  durability: 'none',
  start: (options) => start(options, false),
}

/** One stream in files for all channels; every subscriber has a consumer as the clients' ordered consumers make them. */
export const jetstream: System = {
  name: 'jetstream',
  label: 'NATS JetStream, file',
  durability: 'page cache',
  start: (options) => start(options, true),
}

async function start({ servers, folder }: StartOptions, keeps: boolean): Promise<Cluster> {
  const program = provisionNats()
  const ports = await Promise.all(Array.from({ length: servers }, freePort))
  const routes = await Promise.all(Array.from({ length: servers }, freePort))
  const nodes: Child[] = []
  for (const [index, port] of ports.entries()) {
    const file = join(folder, `nats-${index}.conf`)
    mkdirSync(join(folder, `js-${index}`))
    const parts = [`server_name: n${index}`, `host: 127.0.0.1`, `port: ${port}`, `ping_interval: "10m"`]
    if (keeps) parts.push(`jetstream { store_dir: "${join(folder, `js-${index}`)}", max_file_store: 8G }`)
    if (servers > 1) {
      const others = routes.filter((_, i) => i !== index).map((route) => `nats://127.0.0.1:${route}`)
      parts.push(`cluster { name: bench, host: 127.0.0.1, port: ${routes[index]}, routes: [${others.join(', ')}] }`)
    }
    writeFileSync(file, parts.join('\n'))
    nodes.push(await launch([program, '-c', file], { name: `nats-${index}`, folder, ready: /Server is ready/, core: cores?.servers }))
  }
  const portOf = (server: number): number => ports[server] ?? Number.NaN
  const api = (subject: string, body: unknown): Promise<string> => call(portOf(0), `$JS.API.${subject}`, body)
  if (keeps) {
    const stream = { name: STREAM, subjects: ['c.>'], storage: 'file', num_replicas: servers, retention: 'limits', discard: 'old' }
    // A cluster has no leader yet when its servers say that they are ready.
    await repeatedly(START_MS, () => api(`STREAM.CREATE.${STREAM}`, stream))
    // And not every server knows the stream when its leader answers.
    for (const port of ports) await repeatedly(START_MS, () => call(port, `$JS.API.STREAM.INFO.${STREAM}`, {}))
  }
  const pids = nodes.map(({ pid }) => pid)
  return {
    pids,
    frontPids: pids,
    versions: { 'nats-server': execFileSync(program, ['--version'], { encoding: 'utf8' }).replace(/.*v/, '').trim() },
    createChannels: newChannels('c.'),
    prepare: async ([message]) => parcel(message, keeps),
    publisher: (server, answered) => publisher(portOf(server), { answered, keeps }),
    async subscribe(channel, server, reader) {
      if (!keeps) return subscriber(portOf(server), channel, reader)
      const inbox = `_INBOX.${process.pid}.${Math.random().toString(36).slice(2)}`
      const opened = await subscriber(portOf(server), inbox, reader)
      const config = {
        deliver_subject: inbox,
        filter_subject: channel,
        deliver_policy: 'new',
        ack_policy: 'none',
        max_deliver: 1,
        mem_storage: true,
        num_replicas: 1,
        inactive_threshold: 300_000_000_000,
      }
      await call(portOf(server), `$JS.API.CONSUMER.CREATE.${STREAM}`, { stream_name: STREAM, config })
      return opened
    },
    async stop() {
      await Promise.all(nodes.map((node) => node.stop()))
    },
  }
}

function parcel(message: Message | undefined, keeps: boolean): Parcel {
  if (!message) throw new Error('An empty parcel')
  const { channel, text, n } = message
  return { numbers: [n], bytes: Buffer.from(`PUB ${channel} ${keeps ? '_A ' : ''}${text.length}\r\n${text}\r\n`) }
}

/** With JetStream the stream answers to a subject of this connection's own. */
async function publisher(port: number, { answered, keeps }: { answered: Answered; keeps: boolean }): Promise<Publisher> {
  const reply = `_A.${process.pid}.${Math.random().toString(36).slice(2)}`
  let text = ''
  const socket = await greeted(port, (bytes) => {
    text += bytes.toString('latin1')
    if (!text.endsWith('\r\n')) return
    const answer = text
    if (answer.startsWith('MSG') && (answer.match(/\r\n/g)?.length ?? 0) < 2) return
    text = ''
    if (answer.includes('"seq"')) answered()
    else if (!answer.startsWith('PING')) answered(new Error(`Not stored: ${answer}`))
  })
  if (keeps) socket.write(`SUB ${reply} 1\r\n`)
  return {
    acknowledges: keeps,
    send({ bytes }) {
      if (!keeps) socket.write(bytes)
      else socket.write(withReply(bytes, reply))
    },
    close: () => socket.destroy(),
  }
}

/** Puts the connection's own subject where {@link parcel} left a place. */
function withReply(bytes: Buffer, reply: string): Buffer {
  const at = bytes.indexOf(' _A ')
  return Buffer.concat([bytes.subarray(0, at + 1), Buffer.from(reply), bytes.subarray(at + 3)])
}

async function subscriber(port: number, subject: string, reader: (bytes: Buffer) => void): Promise<Subscriber> {
  const greeting = new Greeting((text) => text.includes('PONG\r\n'), reader)
  const socket = await open(port, greeting.read)
  socket.write(`${CONNECT}SUB ${subject} 1\r\nPING\r\n`)
  await greeting.over()
  return subscriberOn(socket)
}

async function greeted(port: number, reader: (bytes: Buffer) => void) {
  const greeting = new Greeting((text) => text.includes('PONG\r\n'), reader)
  const socket = await open(port, greeting.read)
  socket.write(`${CONNECT}PING\r\n`)
  await greeting.over()
  return socket
}

/** A request of JetStream's own API. @throws Error with what it said */
async function call(port: number, subject: string, body: unknown): Promise<string> {
  // A cluster tells of its servers in between.
  const answer = new Greeting(
    (text) => /^H?MSG [^\r]*\r\n.*\r\n$/ms.test(text),
    () => undefined,
  )
  const socket = await greeted(port, answer.read)
  const inbox = `_INBOX.${process.pid}.${Math.random().toString(36).slice(2)}`
  const json = JSON.stringify(body)
  socket.write(`SUB ${inbox} 1\r\nPUB ${subject} ${inbox} ${Buffer.byteLength(json)}\r\n${json}\r\n`)
  try {
    const text = await answer.over()
    if (text.includes('"error"') || text.includes('NATS/1.0 503')) throw new Error(`${subject}: ${text}`)
    return text
  } finally {
    socket.destroy()
  }
}

async function repeatedly<T>(forMs: number, attempt: () => Promise<T>): Promise<T> {
  const untilMs = performance.now() + forMs
  for (;;) {
    try {
      return await attempt()
    } catch (error) {
      if (performance.now() > untilMs) throw error
      await new Promise((resolve) => setTimeout(resolve, 250))
    }
  }
}
