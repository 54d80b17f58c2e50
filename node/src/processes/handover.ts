import { createHmac, randomBytes, randomUUID, timingSafeEqual } from 'node:crypto'
import { connect, createServer, type Server, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { addressOf, answer, channelBinding, sessionOf } from '../peers/dial.ts'

/*
 * A peer may reach any process of a server; the one that leads answers it. The other one connects to it: 32 random bytes come, an HMAC of
 * these and of the header goes back with the header, and from there on the bytes of the peer's stream go both ways.
 */

const NONCE_BYTES = 32
const MAC_BYTES = 32
const MAX_HEADER_BYTES = 1_024
const MAX_CONNECTIONS = 512
const GREETING_MS = 2_000

/** What the process that leads cannot see of a peer's connection. */
interface Header {
  /** Where it comes from. */
  address: string
  /** What both ends of its TLS session know, base64; empty without TLS. */
  binding: string
  /** Streams of one HTTP/2 session have the same. */
  session: string
}

const sessions = new WeakMap<object, string>()

/** Hands a peer's stream to the process that listens at `host:port`. The stream is destroyed when that is not possible. */
export function handOver(stream: Duplex, to: string, secret: string): void {
  const session = sessionOf(stream) ?? stream
  const name = sessions.get(session) ?? randomUUID()
  sessions.set(session, name)
  const header: Header = { address: addressOf(stream), binding: Buffer.from(channelBinding(stream)).toString('base64'), session: name }
  const at = to.lastIndexOf(':')
  const socket = connect({ host: to.slice(0, at), port: Number(to.slice(at + 1)), allowHalfOpen: true })
  const giveUp = (): void => {
    socket.destroy()
    stream.destroy()
  }
  const timer = setTimeout(giveUp, GREETING_MS)
  stream.on('error', giveUp).once('close', () => socket.destroy())
  // A link that one side has ended is over. What the other process said last is still to be written.
  const end = (): void => {
    if (stream.writableFinished || stream.destroyed) giveUp()
    else stream.once('finish', giveUp).end()
  }
  socket.on('error', giveUp).once('end', end).once('close', end)
  readExactly(socket, NONCE_BYTES, (nonce) => {
    clearTimeout(timer)
    const text = Buffer.from(JSON.stringify(header))
    const length = Buffer.alloc(2)
    length.writeUInt16BE(text.length)
    socket.write(Buffer.concat([macOf(secret, nonce, text), length, text]))
    answer(stream)
    stream.pipe(socket).pipe(stream)
  })
}

export interface HandoverOptions {
  host: string
  secret: string
  /** Takes a peer's connection, see `Replicator.accept`. */
  accept: (stream: Duplex) => void
}

/** Takes connections of peers that other processes of this server hand over. */
export class HandoverListener {
  readonly #options: HandoverOptions
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  /** Sessions of peers at other processes, for as long as a stream of theirs is here. */
  readonly #sessions = new Map<string, { session: object; streams: number }>()

  private constructor(options: HandoverOptions) {
    this.#options = options
    this.#server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => this.#greet(socket))
    this.#server.maxConnections = MAX_CONNECTIONS
  }

  /** @throws the system's error when the host cannot be listened on */
  static async listen(options: HandoverOptions): Promise<HandoverListener> {
    const listener = new HandoverListener(options)
    await new Promise<void>((resolve, reject) => {
      listener.#server.once('error', reject)
      listener.#server.listen(0, options.host, resolve)
    })
    return listener
  }

  /** `host:port`. */
  get address(): string {
    const address = this.#server.address()
    return `${this.#options.host}:${typeof address === 'object' ? address?.port : ''}`
  }

  close(): void {
    this.#server.close()
    for (const socket of this.#sockets) socket.destroy()
  }

  #greet(socket: Socket): void {
    this.#sockets.add(socket)
    socket.once('close', () => this.#sockets.delete(socket))
    socket.on('error', () => socket.destroy())
    const timer = setTimeout(() => socket.destroy(), GREETING_MS)
    socket.once('close', () => clearTimeout(timer))
    const nonce = randomBytes(NONCE_BYTES)
    socket.write(nonce)
    readExactly(socket, MAC_BYTES + 2, (head) => {
      const length = head.readUInt16BE(MAC_BYTES)
      if (length > MAX_HEADER_BYTES) {
        socket.destroy()
        return
      }
      readExactly(socket, length, (text) => {
        if (!timingSafeEqual(head.subarray(0, MAC_BYTES), macOf(this.#options.secret, nonce, text))) {
          socket.destroy()
          return
        }
        clearTimeout(timer)
        this.#accept(socket, JSON.parse(text.toString()) as Header)
      })
    })
  }

  #accept(socket: Socket, { address, binding, session: name }: Header): void {
    const known = this.#sessions.get(name) ?? { session: sessionAt(address, Buffer.from(binding, 'base64')), streams: 0 }
    this.#sessions.set(name, known)
    known.streams++
    socket.once('close', () => {
      if (--known.streams === 0) this.#sessions.delete(name)
    })
    this.#options.accept(Object.assign(socket, { session: known.session }))
  }
}

/** What a link needs of a session that is at another process. Its windows are that one's. */
function sessionAt(remoteAddress: string, binding: Buffer): object {
  return {
    encrypted: binding.length > 0,
    socket: { remoteAddress, exportKeyingMaterial: () => binding },
    setLocalWindowSize: () => undefined,
    settings: () => undefined,
  }
}

function macOf(secret: string, nonce: Buffer, header: Buffer): Buffer {
  return createHmac('sha256', secret).update(nonce).update(header).digest()
}

/** Takes so many bytes of a stream that is not flowing, once they are there, and leaves the rest. */
function readExactly(socket: Socket, bytes: number, then: (bytes: Buffer) => void): void {
  const look = (): void => {
    const read = socket.read(bytes) as Buffer | null
    if (!read) return
    socket.off('readable', look)
    // At its end a stream gives what there is.
    if (read.length === bytes) then(read)
    else socket.destroy()
  }
  socket.on('readable', look)
  look()
}
