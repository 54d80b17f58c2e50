import { connect, type Socket } from 'node:net'
import type { Publisher, Subscriber } from '../systems/port.ts'

/** Read by all sockets: each is done with it before the next reads. */
const shared = Buffer.allocUnsafeSlow(262_144)

/**
 * A plain connection to a server of this machine.
 * @param read is given bytes that are valid during the call only
 */
export async function open(port: number, read: (bytes: Buffer) => void): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({
      port,
      host: '127.0.0.1',
      noDelay: true,
      onread: {
        buffer: shared,
        callback: (length, buffer) => {
          read((buffer as Buffer).subarray(0, length))
          return true
        },
      },
    })
    socket.once('error', reject)
    socket.once('connect', () => resolve(socket))
  })
}

/** Sends parcels as they are. Whoever opened the socket reads the answers. */
export function publisherOn(socket: Socket): Publisher {
  return { acknowledges: true, send: ({ bytes }) => void socket.write(bytes), close: () => socket.destroy() }
}

export function subscriberOn(socket: Socket): Subscriber {
  return { pause: () => socket.pause(), close: () => socket.destroy() }
}

/** Resolves once the text that has been read so far satisfies a condition; what comes later goes to `then`. */
export class Greeting {
  readonly #then: (bytes: Buffer) => void
  readonly #done: (text: string) => boolean
  readonly #promise = Promise.withResolvers<string>()
  #text: string | undefined = ''

  constructor(done: (text: string) => boolean, then: (bytes: Buffer) => void) {
    this.#done = done
    this.#then = then
  }

  readonly read = (bytes: Buffer): void => {
    if (this.#text === undefined) {
      this.#then(bytes)
      return
    }
    this.#text += bytes.toString('latin1')
    if (!this.#done(this.#text)) return
    this.#promise.resolve(this.#text)
    this.#text = undefined
  }

  /** @throws Error when it takes longer */
  async over(timeoutMs = 10_000): Promise<string> {
    const timer = setTimeout(() => this.#promise.reject(new Error(`No greeting, but: ${this.#text?.slice(0, 300)}`)), timeoutMs)
    try {
      return await this.#promise.promise
    } finally {
      clearTimeout(timer)
    }
  }
}
