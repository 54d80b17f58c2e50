import { createHash, generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto'
import { signGenesis, signMessage, type Signer } from '@dred/protocol'
import { Greeting, open, subscriberOn } from '../lab/socket.ts'
import type { Answered, Message, Parcel, Publisher, Subscriber } from './port.ts'

/** Devices that take turns in signing. */
const DEVICES = 64

interface Device {
  key: string
  privateKey: KeyObject
}

const devices: Device[] = Array.from({ length: DEVICES }, () => {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519')
  return { privateKey, key: publicKey.export({ format: 'jwk' }).x ?? '' }
})

function signerOf({ key, privateKey }: Device): Signer {
  return { key, sign: async (bytes) => sign(null, bytes, privateKey) }
}

const deviceOf = (n: number): Device => devices[n % DEVICES] ?? raise('There are no devices')

/** A signed message as its publisher writes it; the SDK's function is five times slower, and {@link checkSigning} compares the two. */
function signed({ channel, text, n }: Message): { id: string; body: string } {
  const { key, privateKey } = deviceOf(n)
  const sentAt = Date.now()
  const fields = `"key":"${key}","message":"${text}","sentAt":${sentAt}`
  const canonical = Buffer.from(`{"channel":"${channel}",${fields},"v":1}`)
  const sig = sign(null, canonical, privateKey).toString('base64url')
  return { id: createHash('sha256').update(canonical).digest('base64url'), body: `{${fields},"sig":"${sig}"}` }
}

/** @throws Error when messages are not signed here as the protocol has it */
export async function checkSigning(message: Message): Promise<void> {
  const own = signed(message)
  const { sentAt, sig } = JSON.parse(own.body) as { sentAt: number; sig: string }
  const official = await signMessage(signerOf(deviceOf(message.n)), message.channel, { message: message.text, sentAt })
  if (official.id !== own.id || official.signed.sig !== sig) throw new Error('The benchmark signs messages differently from the protocol')
}

export async function signChannel(): Promise<{ id: string; body: string }> {
  const salt = new Uint8Array(randomBytes(16))
  const { id, genesis } = await signGenesis(signerOf(deviceOf(0)), {
    neighborhood: '1',
    createdAt: Date.now(),
    salt,
    idleMs: 86_400_000,
    name: 'bench',
  })
  return { id, body: JSON.stringify(genesis) }
}

/** One message as it is; several in one request. */
export function parcel(messages: readonly Message[]): Parcel {
  const [first] = messages
  if (!first) throw new Error('An empty parcel')
  const all = messages.map(signed)
  const ids = all.map(({ id }) => id)
  const bodies = all.map(({ body }) => body)
  const [path, body] =
    messages.length === 1
      ? [`/channel/${first.channel}`, bodies[0] ?? '']
      : [`/channel/${first.channel}/messages`, `{"messages":[${bodies.join(',')}]}`]
  return { numbers: messages.map(({ n }) => n), bytes: request('POST', path, body), ids }
}

export function request(method: 'POST' | 'PUT', path: string, body: string): Buffer {
  const head = `${method} ${path} HTTP/1.1\r\nhost: bench\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n`
  return Buffer.from(head + body)
}

/** Publishes over one connection that is kept open. Every answer has to be a success and name the messages' ids. */
export async function openPublisher(port: number, answered: Answered): Promise<Publisher> {
  let waiting: Parcel | undefined
  let text = ''
  const socket = await open(port, (bytes) => {
    text += bytes.toString('latin1')
    const head = text.indexOf('\r\n\r\n')
    if (head === -1) return
    const length = Number(/content-length: (\d+)/i.exec(text)?.[1] ?? Number.NaN)
    if (text.length < head + 4 + length) return
    const answer = text
    text = ''
    const parcel = waiting
    waiting = undefined
    answered(parcel ? problemOf(answer, parcel) : new Error(`An answer to nothing: ${answer}`))
  })
  socket.on('close', () => {
    if (waiting) answered(new Error('The server closed the connection'))
  })
  return {
    acknowledges: true,
    send(parcel) {
      waiting = parcel
      socket.write(parcel.bytes)
    },
    close: () => socket.destroy(),
  }
}

function problemOf(answer: string, { ids = [] }: Parcel): Error | undefined {
  const isSuccess = answer.startsWith('HTTP/1.1 20') && !answer.includes('"problem"')
  if (isSuccess && ids.every((id) => answer.includes(id))) return undefined
  return new Error(`Not accepted as sent: ${answer.slice(0, 1_000)}`)
}

export async function openSubscriber(port: number, channel: string, reader: (bytes: Buffer) => void): Promise<Subscriber> {
  const greeting = new Greeting((text) => text.includes('"caughtUp":true'), reader)
  const socket = await open(port, greeting.read)
  socket.write(`GET /channel/${channel}/stream HTTP/1.1\r\nhost: bench\r\n\r\n`)
  await greeting.over()
  return subscriberOn(socket)
}

function raise(message: string): never {
  throw new Error(message)
}
