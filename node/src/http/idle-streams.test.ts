import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { createChannel, publish, startTestNode, type TestNode, testSigner } from '../testing/test-node.ts'

const READERS = 5_000
const AT_ONCE = 100

interface Reader {
  socket: Socket
  messages: number
}

async function read(at: TestNode, channel: string): Promise<Reader> {
  const { hostname, port } = new URL(at.url)
  const reader: Reader = { socket: connect({ host: hostname, port: Number(port) }), messages: 0 }
  await once(reader.socket, 'connect')
  reader.socket.write(`GET /channel/${channel}/stream HTTP/1.1\r\nhost: x\r\n\r\n`)
  let text = ''
  await new Promise<void>((resolve) => {
    reader.socket.setEncoding('latin1').on('data', (chunk) => {
      text = (text + String(chunk)).slice(-2_000)
      if (text.includes('"caughtUp":true')) resolve()
      if (text.includes('"message":"to all"')) reader.messages = 1
    })
  })
  return reader
}

async function open(at: TestNode): Promise<number> {
  const metrics = await (await fetch(`${at.adminUrl}/metrics`)).text()
  return Number(/^dred_streams_open (\d+)/m.exec(metrics)?.[1])
}

test('5,000 readers that wait are served, and leave nothing behind', { timeout: 120_000 }, async () => {
  const node = await startTestNode({ maxStreams: READERS })
  const signer = await testSigner()
  const channel = await createChannel(node.url, signer)
  const readers: Reader[] = []
  while (readers.length < READERS) {
    readers.push(...(await Promise.all(Array.from({ length: AT_ONCE }, () => read(node, channel)))))
  }
  expect(await open(node)).toBe(READERS)
  expect((await fetch(`${node.url}/channel/${channel}/stream`)).status).toBe(503)
  expect((await publish(node.url, channel, { signer, message: 'to all' })).status).toBe(201)
  while (readers.some(({ messages }) => messages === 0)) await delay(20)
  for (const { socket } of readers) socket.destroy()
  while ((await open(node)) > 0) await delay(20)
  const metrics = await (await fetch(`${node.adminUrl}/metrics`)).text()
  expect(metrics).toMatch(/^dred_stream_channels 0$/m)
  expect(Number(/^dred_messages_delivered_total (\d+)/m.exec(metrics)?.[1])).toBe(READERS)
  // All connections are gone too, but for those that the metrics are read by.
  expect(Number(/^nodejs_active_resources\{type="TCPSocketWrap"\} (\d+)/m.exec(metrics)?.[1] ?? 0)).toBeLessThan(20)
  await node.close()
})
