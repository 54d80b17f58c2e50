import { Duplex } from 'node:stream'
import { LinkError } from '@dred/protocol/relay'
import { beforeEach, expect, it, vi } from 'vitest'
import { Connection } from './connection.ts'

/** A stream whose other end takes what is written only when it is told to. */
class Slow extends Duplex {
  readonly writes: number[] = []
  #taken: (() => void) | undefined

  override _read(): void {
    // Nothing comes.
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, callback: () => void): void {
    this.writes.push(chunk.length)
    this.#taken = callback
  }

  override _writev(chunks: { chunk: Buffer }[], callback: () => void): void {
    this.writes.push(chunks.reduce((sum, { chunk }) => sum + chunk.length, 0))
    this.#taken = callback
  }

  letGo(): void {
    const taken = this.#taken
    this.#taken = undefined
    taken?.()
  }
}

let stream: Slow
let connection: Connection
beforeEach(() => {
  stream = new Slow()
  connection = new Connection(stream, () => undefined)
})

const tick = () => new Promise((resolve) => setImmediate(resolve))

it('writes together what is sent at one moment', async () => {
  for (let i = 0; i < 10; i++) connection.sendBytes(new Uint8Array(10))
  await tick()
  connection.sendBytes(new Uint8Array(7))
  await tick()
  stream.letGo()
  await tick()
  expect(stream.writes).toEqual([100, 7])
})

it('knows how much waits and for how long the oldest of it has', async () => {
  const now = vi.spyOn(performance, 'now').mockReturnValue(1_000)
  try {
    expect([connection.queuedBytes, connection.queuedMs]).toEqual([0, 0])
    connection.sendBytes(new Uint8Array(100))
    await tick()
    now.mockReturnValue(1_300)
    connection.sendBytes(new Uint8Array(50))
    await tick()
    now.mockReturnValue(1_400)
    expect([connection.queuedBytes, connection.queuedMs]).toEqual([150, 400])
    stream.letGo()
    await tick()
    expect([connection.queuedBytes, connection.queuedMs]).toEqual([50, 100])
    stream.letGo()
    await tick()
    expect([connection.queuedBytes, connection.queuedMs]).toEqual([0, 0])
  } finally {
    now.mockRestore()
  }
})

it('says why it ends, and ends even when nobody takes it', async () => {
  connection.close(new LinkError('stopping'))
  connection.sendBytes(new Uint8Array(10))
  expect((await connection.ended).code).toBe('stopping')
  expect(stream.destroyed).toBe(true)
  expect(stream.writes).toHaveLength(1)
})
