// The least that a relay does which checks what it passes on: HTTP, one signature, one entry in Redis, one frame for all readers of a turn, one line
// to each peer. No ids that are looked up, limits, positions, receipts or retention, and peers are never told twice. Arguments: the ports of its
// Redis, of itself for peers, and of its peers.
import { createHash } from 'node:crypto'
import { connect, createServer, type Socket } from 'node:net'
import { createInterface } from 'node:readline'
import Fastify from 'fastify'
import { Redis } from 'ioredis'
import { openSignaturePool } from '../../node/src/signatures/index.ts'

interface Signed {
  key: string
  message: string
  sentAt: number
  sig: string
}

const [redisPort = 0, ownPort, ...peerPorts] = process.argv.slice(2).map(Number)
const quiet = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined }
const { verify } = openSignaturePool({ log: quiet })
const redis = new Redis(redisPort, { enableAutoPipelining: true })
const readers = new Map<string, Set<Socket>>()
const pending = new Map<string, string[]>()
/** Connected with the first message, when all are there. */
let peers: Socket[] | undefined

async function take(channel: string, { key, message, sentAt, sig }: Signed): Promise<{ id: string }> {
  const canonical = Buffer.from(JSON.stringify({ channel, key, message, sentAt, v: 1 }))
  const id = createHash('sha256').update(canonical).digest('base64url')
  await verify(key, sig, Uint8Array.from(canonical))
  await redis.xadd(channel, '*', 'i', id, 'b', canonical, 's', sig)
  passOn(channel, JSON.stringify({ type: 'message', id, key, message, sentAt, sig }))
  return { id }
}

async function publish(channel: string, signed: Signed): Promise<{ id: string }> {
  const taken = await take(channel, signed)
  peers ??= peerPorts.map((port) => connect(port, '127.0.0.1').setNoDelay())
  const line = peers.length > 0 ? `${JSON.stringify([channel, signed])}\n` : ''
  for (const peer of peers) peer.write(line)
  return taken
}

function passOn(channel: string, line: string): void {
  if (pending.size === 0) setImmediate(flush)
  const lines = pending.get(channel)
  if (lines) lines.push(line)
  else pending.set(channel, [line])
}

function flush(): void {
  for (const [channel, lines] of pending) {
    const bytes = chunk(lines)
    for (const socket of readers.get(channel) ?? []) socket.write(bytes)
  }
  pending.clear()
}

/** As HTTP/1.1 frames a piece of a body. */
function chunk(lines: readonly string[]): Buffer {
  const text = `${lines.join('\n')}\n`
  return Buffer.from(`${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`)
}

const app = Fastify()
app.put<{ Params: { id: string } }>('/channel/:id', async ({ params }) => ({ id: params.id }))
app.post<{ Params: { id: string }; Body: Signed }>('/channel/:id', ({ params, body }) => publish(params.id, body))
app.post<{ Params: { id: string }; Body: { messages: Signed[] } }>('/channel/:id/messages', ({ params, body }) =>
  Promise.all(body.messages.map((message) => publish(params.id, message))),
)
app.get<{ Params: { id: string } }>('/channel/:id/stream', ({ params, raw }, reply) => {
  reply.hijack()
  const { socket } = raw
  socket.write(`HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n${chunk(['{"caughtUp":true}']).toString()}`)
  const of = readers.get(params.id) ?? new Set()
  readers.set(params.id, of.add(socket))
  socket.once('close', () => of.delete(socket))
})
createServer((socket) => {
  createInterface(socket).on('line', (line) => void take(...(JSON.parse(line) as [channel: string, Signed])))
}).listen(ownPort, '127.0.0.1')
process.stdout.write(`${await app.listen({ port: 0, host: '127.0.0.1' })}\n`)
