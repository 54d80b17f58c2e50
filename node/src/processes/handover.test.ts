import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { Duplex } from 'node:stream'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { addressOf, channelBinding, sameSession } from '../peers/dial.ts'
import { eventually } from '../testing/eventually.ts'
import { handOver, HandoverListener } from './handover.ts'

let listener: HandoverListener
let accepted: Duplex[]
const closing: Duplex[] = []

beforeEach(async () => {
  accepted = []
  listener = await HandoverListener.listen({ host: '127.0.0.1', secret: 'secret', accept: (stream) => accepted.push(stream) })
})
afterEach(() => {
  for (const stream of closing.splice(0)) stream.destroy()
  listener.close()
})

/** A peer's stream at the process that it reached, and what is written to it. */
class Peer extends Duplex {
  written = ''
  readonly session: object

  constructor(session: object) {
    super()
    this.session = session
    closing.push(this)
  }

  override _read(): void {}

  override _write(...[chunk, , done]: Parameters<Duplex['_write']>): void {
    this.written += String(chunk)
    done()
  }
}

const peer = (session: object): Peer => new Peer(session)

const sessionOver = (binding: Buffer) => ({
  encrypted: binding.length > 0,
  socket: { remoteAddress: '192.0.2.7', exportKeyingMaterial: () => binding },
})

it('carries bytes both ways, and what the other process cannot see', async () => {
  const [session, binding] = [sessionOver(Buffer.from('b'.repeat(32))), 'b'.repeat(32)]
  const [first, second, other] = [peer(session), peer(session), peer(sessionOver(Buffer.alloc(0)))]
  first.push('early')
  for (const [i, stream] of [first, second, other].entries()) {
    handOver(stream, listener.address, 'secret')
    await eventually(() => accepted.length).toBe(i + 1)
  }
  const [one, two, three] = accepted
  if (!one || !two || !three) throw new Error('Not all were handed over')
  expect([one, three].map(addressOf)).toEqual(['192.0.2.7', '192.0.2.7'])
  expect(Buffer.from(channelBinding(one)).toString()).toBe(binding)
  expect(channelBinding(three).length).toBe(0)
  expect([sameSession(one, two), sameSession(one, three)]).toEqual([true, false])
  let heard = ''
  one.on('data', (chunk: Buffer) => (heard += chunk.toString()))
  first.push(' and late')
  await eventually(() => heard).toBe('early and late')
  one.end('last words')
  await eventually(() => first.written).toBe('last words')
  first.destroy()
  await eventually(() => one.destroyed).toBe(true)
})

it('ends the peer’s stream when the process that leads is gone', async () => {
  const stream = peer(sessionOver(Buffer.alloc(0)))
  handOver(stream, listener.address, 'secret')
  await eventually(() => accepted.length).toBe(1)
  accepted[0]?.destroy()
  await eventually(() => stream.destroyed).toBe(true)
  expect(stream.writableFinished).toBe(true)
})

it('destroys the stream when nobody is there', async () => {
  const { address } = listener
  listener.close()
  const stream = peer(sessionOver(Buffer.alloc(0)))
  handOver(stream, address, 'secret')
  await eventually(() => stream.destroyed).toBe(true)
  expect(accepted).toEqual([])
})

async function stranger(): Promise<Socket> {
  const [host = '', port] = listener.address.split(':')
  const socket = connect({ host, port: Number(port) })
  closing.push(socket)
  socket.on('error', () => undefined)
  await once(socket, 'connect')
  return socket
}

it('takes nothing from somebody with another secret', async () => {
  const stream = peer(sessionOver(Buffer.alloc(0)))
  handOver(stream, listener.address, 'guess')
  await eventually(() => stream.destroyed).toBe(true)
  expect(accepted).toEqual([])
})

it.each([
  ['a header that is too long', Buffer.alloc(34, 255)],
  ['a header that nobody signed', Buffer.concat([Buffer.alloc(32), Buffer.from([0, 2]), Buffer.from('{}')])],
])('cuts off %s', async (_, bytes) => {
  const socket = await stranger()
  const closed = once(socket, 'close')
  socket.resume().write(bytes)
  await closed
  expect(accepted).toEqual([])
})

it('cuts off somebody who says nothing', async () => {
  const socket = await stranger()
  socket.resume()
  await once(socket, 'close')
  expect(accepted).toEqual([])
})
