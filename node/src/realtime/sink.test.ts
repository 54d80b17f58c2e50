import { once } from 'node:events'
import { createServer } from 'node:http'
import { connect as connectHttp2, createServer as createHttp2Server } from 'node:http2'
import { type AddressInfo, connect, type Server, type Socket } from 'node:net'
import { setImmediate as turn } from 'node:timers/promises'
import { afterEach, describe, expect, test } from 'vitest'
import { Chunk } from './chunk.ts'
import { responseSink, type Sink } from './sink.ts'

let server: Server
const sockets: { destroy(): void }[] = []
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy()
  server.close()
})

async function listening(made: Server): Promise<number> {
  server = made
  made.listen(0, '127.0.0.1')
  await once(made, 'listening')
  return (made.address() as AddressInfo).port
}

/** Requests over one connection, the sinks of their answers in their order, and what has come. */
async function answersTo(requests: string[]): Promise<{ sinks: Sink[]; socket: Socket; text: () => string }> {
  const sinks: Sink[] = []
  const port = await listening(
    createServer((_request, response) => {
      response.writeHead(200)
      response.flushHeaders()
      sinks.push(responseSink(response))
    }),
  )
  const socket = connect(port, '127.0.0.1')
  sockets.push(socket)
  let text = ''
  socket.setEncoding('latin1').on('data', (chunk) => (text += String(chunk)))
  socket.write(requests.join(''))
  while (sinks.length < requests.length) await turn()
  return { sinks, socket, text: () => text }
}

const get = (version: string): string => `GET / HTTP/${version}\r\nhost: x\r\n\r\n`

/** A request over HTTP/1.x and the sink of its answer. */
async function http1(version: string): Promise<{ sink: Sink; socket: Socket; body: () => string }> {
  const { sinks, socket, text } = await answersTo([get(version)])
  const [sink] = sinks
  if (!sink) throw new Error('one request has one sink')
  return { sink, socket, body: () => text().slice(text().indexOf('\r\n\r\n') + 4) }
}

/** Writes until a mebibyte or so waits for who does not read. */
async function fill(sink: Sink): Promise<void> {
  for (let i = 0; i < 1_000 && sink.bufferedBytes < 1_000_000; i++) {
    sink.write(large('x'))
    await turn()
  }
}

/** What chunked transfer coding carries. @throws when it is not well-formed up to its end */
function dechunked(text: string): string {
  let body = ''
  for (let at = 0; ; ) {
    const end = text.indexOf('\r\n', at)
    const length = Number.parseInt(text.slice(at, end), 16)
    expect(text.slice(end + 2 + length, end + 4 + length)).toBe('\r\n')
    if (length === 0) return body
    body += text.slice(end + 2, end + 2 + length)
    at = end + 4 + length
  }
}

const large = (mark: string): Chunk => new Chunk(`${mark.repeat(100_000)}\n`)

describe('over HTTP/1.1', () => {
  test('chunks arrive as they are, one by one and together, before a regular end', async () => {
    const { sink, socket, body } = await http1('1.1')
    const shared = new Chunk('shared\n')
    sink.write(new Chunk('first\n'))
    sink.write(shared, new Chunk('ü\n'), shared)
    sink.end(1_000)
    while (!body().endsWith('0\r\n\r\n')) await once(socket, 'data')
    expect(Buffer.from(dechunked(body()), 'latin1').toString()).toBe('first\nshared\nü\nshared\n')
    // The connection takes the next request.
    socket.write(get('1.1'))
    while (body().split('HTTP/1.1 200').length < 2) await once(socket, 'data')
  })

  test('an answer that has to wait for the one before it is not written ahead of it', async () => {
    const { sinks, socket, text } = await answersTo([get('1.1'), get('1.1')])
    sinks[1]?.write(new Chunk('second'))
    sinks[0]?.write(new Chunk('first'))
    sinks[0]?.end(1_000)
    sinks[1]?.end(1_000)
    while (text().split('0\r\n\r\n').length < 3) await once(socket, 'data')
    const [, first, second] = text().split(/HTTP\/1\.1 200 OK\r\n(?:.+\r\n)+\r\n/)
    expect([dechunked(first ?? ''), dechunked(second ?? '')]).toEqual(['first', 'second'])
  })
})

test('over HTTP/1.0, which knows no chunks, the bytes arrive as they are', async () => {
  const { sink, socket, body } = await http1('1.0')
  sink.write(new Chunk('first\n'), new Chunk('second\n'))
  sink.end(1_000)
  await once(socket, 'close')
  expect(body()).toBe('first\nsecond\n')
})

test('over HTTP/2 too', async () => {
  const opened = Promise.withResolvers<Sink>()
  const http2 = createHttp2Server((_request, response) => {
    response.writeHead(200)
    opened.resolve(responseSink(response))
  })
  const session = connectHttp2(`http://127.0.0.1:${await listening(http2 as unknown as Server)}`)
  sockets.push(session)
  const stream = session.request({ ':path': '/' })
  const sink = await opened.promise
  sink.write(new Chunk('first\n'), new Chunk('second\n'))
  sink.end(1_000)
  let text = ''
  for await (const chunk of stream) text += String(chunk)
  expect(text).toBe('first\nsecond\n')
})

test.each(['1.1', '1.0'])('what a reader does not take is counted, and waited for (HTTP/%s)', async (version) => {
  const { sink, socket, body } = await http1(version)
  socket.pause()
  let closed = 0
  sink.onClose(() => closed++)
  await fill(sink)
  expect(sink.bufferedBytes).toBeGreaterThanOrEqual(1_000_000)
  let drained = false
  const draining = sink.drained().then(() => (drained = true))
  for (let turns = 0; turns < 20; turns++) await turn()
  expect(drained).toBe(false)
  socket.resume()
  await draining
  expect(sink.bufferedBytes).toBeLessThan(262_144)
  expect(body().length).toBeGreaterThan(100_000)
  expect(closed).toBe(0)
  socket.destroy()
  while (closed === 0) await turn()
  // Nothing happens to who writes on.
  sink.write(large('y'))
  await sink.drained()
  expect(closed).toBe(1)
})

test('who waits for a reader that leaves does not wait on', async () => {
  const { sink, socket } = await http1('1.1')
  socket.pause()
  await fill(sink)
  const draining = sink.drained()
  socket.destroy()
  await expect(draining).resolves.toBeUndefined()
})

test('an ended stream whose reader takes nothing is cut off after the grace', async () => {
  const { sink, socket } = await http1('1.1')
  socket.pause()
  const gone = new Promise<void>((resolve) => sink.onClose(resolve))
  await fill(sink)
  sink.end(50)
  await expect(gone).resolves.toBeUndefined()
})
