import {
  decodeCursor,
  encodeCursor,
  generateDeviceKey,
  type Signer,
  signMessage,
  type StreamEvent,
  VersionVector,
  webCryptoSigner,
} from '@dred/protocol'
import { beforeAll, describe, expect, it } from 'vitest'
import type { Message } from '../message.ts'
import { Inbox, type Source } from './inbox.ts'

type MessageEvent = Extract<StreamEvent, { type: 'message' }>

const CHANNEL = 'c'.repeat(43)
let signer: Signer

beforeAll(async () => {
  signer = await webCryptoSigner(await generateDeviceKey({ extractable: false }))
})

function source(id: number): Source {
  return { server: { id, endpoint: `http://${id}.example` }, tainted: false, lag: 0 }
}

/** A message that entered at server 1 as its n-th, delivered with the cursor behind it. */
async function message(n: number): Promise<MessageEvent> {
  const { id, signed } = await signMessage(signer, CHANNEL, { message: n, sentAt: n })
  const seen = VersionVector.from({ '1-1': [n] })
  return {
    type: 'message',
    id,
    ...signed,
    channel: CHANNEL,
    v: 1,
    cursor: encodeCursor(CHANNEL, seen),
    origin: { server: 1, incarnation: 1, n },
  }
}

function inbox(options: { remembered?: number } = {}): { inbox: Inbox; delivered: Message[]; upTo: () => number } {
  const delivered: Message[] = []
  const deliver = (item: Message): Promise<void> => {
    delivered.push(item)
    return Promise.resolve()
  }
  const made = new Inbox(CHANNEL, { cursor: undefined, deliver, ...options })
  return { inbox: made, delivered, upTo: () => (made.cursor === undefined ? 0 : decodeCursor(CHANNEL, made.cursor).watermark('1-1')) }
}

describe('Inbox', () => {
  it('lets a message pass once when two streams bring it at the same time', async () => {
    const { inbox: box, delivered, upTo } = inbox()
    const streams = [source(1), source(2)]
    const event = await message(1)
    await Promise.all(streams.map((stream) => box.accept(event, stream, streams)))
    expect(delivered.map(({ data }) => data)).toEqual([1])
    expect(upTo()).toBe(1)
  })

  it('refuses a forged copy, and takes the true one that comes after it', async () => {
    const { inbox: box, delivered, upTo } = inbox()
    const [liar, honest] = [source(1), source(2)]
    const event = await message(1)
    for (const forged of [
      { ...event, message: 2 },
      { ...event, id: 'A'.repeat(43) },
      { ...event, channel: 'd'.repeat(43) },
      { ...event, sig: 'A'.repeat(86) },
    ]) {
      await expect(box.accept(forged, liar, [liar, honest])).rejects.toMatchObject({ code: 'invalid_message', server: 'http://1.example' })
    }
    expect(upTo()).toBe(0)
    await box.accept(event, honest, [liar, honest])
    expect(delivered.map(({ data }) => data)).toEqual([1])
  })

  it('gives no ear to the cursors of a tainted stream, and refuses those of another channel', async () => {
    const { inbox: box, upTo } = inbox()
    const [liar, honest] = [source(1), source(2)]
    liar.tainted = true
    await box.accept(await message(5), liar, [liar, honest])
    expect(upTo()).toBe(0)
    await box.accept(await message(2), honest, [liar, honest])
    expect(upTo()).toBe(2)
    const foreign = encodeCursor('d'.repeat(43), VersionVector.from({ '1-1': [9] }))
    expect(() => box.advance(foreign, honest)).toThrow(expect.objectContaining({ code: 'invalid_message' }))
    expect(upTo()).toBe(2)
  })

  it('remembers a bounded number of ids, and takes nothing from a stream that has fallen too far behind', async () => {
    const { inbox: box, delivered } = inbox({ remembered: 8 })
    const [quick, slow] = [source(1), source(2)]
    const events = await Promise.all([1, 2, 3, 4, 5, 6].map(message))
    const [first, second] = events
    const bring = async (event: MessageEvent | undefined, stream: Source): Promise<boolean | undefined> =>
      event && box.accept(event, stream, [quick, slow])
    for (const event of events.slice(0, 5)) expect(await bring(event, quick)).toBe(true)
    expect(await bring(first, slow)).toBe(false)
    expect(delivered).toHaveLength(5)
    const again = source(2)
    for (const event of events.slice(5)) expect(await bring(event, quick)).toBe(true)
    expect(await bring(second, again)).toBe(true)
    expect(delivered).toHaveLength(6)
  })
})
