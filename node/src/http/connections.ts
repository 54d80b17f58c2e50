import type { Socket } from 'node:net'
import type { Server } from 'node:http'
import { addressKey } from '../limits/address.ts'
import type { AtOnce } from '../limits/config.ts'
import { Shares } from '../limits/shares.ts'
import { rawProblem } from './errors.ts'
import { proxies } from './proxies.ts'

export interface ConnectionsOptions extends AtOnce {
  /** Addresses and networks of proxies, each of which speaks for many. */
  trusted: readonly string[]
  /** Whether a refused connection can be told so in plain text. */
  plain: boolean
}

/** Refused connections that are still being told so, and for how many milliseconds. */
const MAX_PARTING = 100
const PARTING_MS = 1_000

/** The connections of one server, in all and of each address. */
export class Connections {
  readonly #options: ConnectionsOptions
  readonly #shares: Shares
  readonly #isProxy: (address: string) => boolean
  readonly #sockets = new Map<Socket, string>()
  #parting = 0
  #refused = 0
  /** Of connections that have ended. */
  readonly #ended = { received: 0, sent: 0 }

  constructor(options: ConnectionsOptions) {
    this.#options = options
    this.#shares = new Shares({ what: 'connections', ...options })
    this.#isProxy = proxies(options.trusted)
  }

  get count(): number {
    return this.#sockets.size
  }

  /** Since the start. */
  get refused(): number {
    return this.#refused
  }

  /** That came in and went out since the start. */
  get bytes(): { received: number; sent: number } {
    const bytes = { ...this.#ended }
    for (const socket of this.#sockets.keys()) count(bytes, socket)
    return bytes
  }

  /** Stands before all that takes the connections of a server. */
  guard(server: Server): void {
    const accept = server.listeners('connection') as ((this: Server, socket: Socket) => void)[]
    server.removeAllListeners('connection')
    server.on('connection', (socket: Socket) => {
      if (!this.#take(socket)) return this.#refuse(socket)
      for (const listener of accept) listener.call(server, socket)
    })
  }

  /** Cuts off those of one address, or all. */
  destroy(key?: string): void {
    for (const [socket, owner] of this.#sockets) if (key === undefined || owner === key) socket.destroy()
  }

  #take(socket: Socket): boolean {
    const address = socket.remoteAddress
    // Already gone.
    if (address === undefined) return false
    const isProxy = this.#isProxy(address)
    const key = addressKey(address)
    const { total, perAddress } = this.#options
    if (this.#sockets.size >= total || (!isProxy && this.#shares.of(key) >= perAddress)) return false
    const release = isProxy ? undefined : this.#shares.hold(key, 1)
    this.#sockets.set(socket, isProxy ? '' : key)
    socket.once('close', () => {
      release?.()
      this.#sockets.delete(socket)
      count(this.#ended, socket)
    })
    return true
  }

  #refuse(socket: Socket): void {
    this.#refused++
    if (!this.#options.plain || this.#parting >= MAX_PARTING) {
      socket.destroy()
      return
    }
    this.#parting++
    const timer = setTimeout(() => socket.destroy(), PARTING_MS)
    socket
      .on('error', () => socket.destroy())
      .once('close', () => {
        clearTimeout(timer)
        this.#parting--
      })
      .resume()
      .end(rawProblem('too_many_connections', 'Try again later, or at another server of the neighborhood'))
  }
}

function count(bytes: { received: number; sent: number }, { bytesRead, bytesWritten }: Socket): void {
  bytes.received += bytesRead
  bytes.sent += bytesWritten
}
