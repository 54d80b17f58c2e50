import { randomBytes } from 'node:crypto'
import type { Duplex } from 'node:stream'
import { type CoreFrame, LinkError, type ListOf, type RelayFrame, relayLimits } from '@dred/protocol/relay'
import { acceptedKeys, linkedServer, linkedServers } from '../chain/standing.ts'
import { Connection, PeerLeft } from './connection.ts'
import { addressOf, answer, channelBinding, dial, openSecond, sameSession, widenWindow } from './dial.ts'
import { Dialler } from './dialler.ts'
import { expect, type Identity, introduce, type Introduction, type ProvenPeer, welcome } from './handshake.ts'
import { Introductions } from './introductions.ts'
import { Link, type LinkHost } from './link.ts'
import { defaultTimings, type ReplicatorOptions, type Timings } from './options.ts'
import { Quarantine } from './quarantine.ts'

const MAX_INTRODUCTIONS = { altogether: 256, ofOneAddress: 8 }

export interface PeerLinksHost extends LinkHost {
  /** Gives the servers that an epoch names. */
  readonly listOf: ListOf
  up(link: Link): void
  down(link: Link): void
}

interface Held {
  link: Link
  peer: ProvenPeer
}

/** A link that is about to be used. */
interface Made extends Held {
  /** What the peer says from here on, after `first`. */
  frames: AsyncGenerator<RelayFrame, void>
  first?: CoreFrame
}

/**
 * One link to every other server that replicates, as long as the registry has it and accepts the key that it showed: dialled from here to
 * servers with higher ids, taken from those with lower ones.
 */
export class PeerLinks {
  readonly #options: ReplicatorOptions
  readonly #timings: Timings
  readonly #host: PeerLinksHost
  readonly #quarantine: Quarantine
  readonly #links = new Map<number, Held>()
  readonly #diallers = new Map<number, { endpoint: string; dialler: Dialler }>()
  /** Every connection that is not closed yet, authenticated or not. */
  readonly #connections = new Set<Connection>()
  readonly #introductions = new Introductions(MAX_INTRODUCTIONS)
  /** Links whose dialler has not opened the second stream, by what it has to show, in hex. */
  readonly #tokens = new Map<string, Link>()
  #state: 'new' | 'running' | 'stopped' = 'new'
  #stopFollowing: (() => void) | undefined

  constructor(options: ReplicatorOptions, host: PeerLinksHost) {
    this.#options = options
    this.#timings = { ...defaultTimings, ...options.timings }
    this.#host = host
    this.#quarantine = new Quarantine(this.#timings.quarantine)
  }

  start(): void {
    this.#state = 'running'
    this.#stopFollowing = this.#options.registry.onChange(() => this.#followRegistry())
    this.#followRegistry()
  }

  async stop(): Promise<void> {
    this.#state = 'stopped'
    this.#stopFollowing?.()
    for (const { dialler } of this.#diallers.values()) dialler.stop()
    this.#diallers.clear()
    const connections = [...this.#connections]
    for (const connection of connections) connection.close(new LinkError('stopping'))
    await Promise.all(connections.map(({ ended }) => ended))
  }

  all(): Link[] {
    return [...this.#links.values()].map(({ link }) => link)
  }

  get(peer: number): Link | undefined {
    return this.#links.get(peer)?.link
  }

  /** See `Replicator.accept`. */
  accept(stream: Duplex): void {
    const connection = this.#track(stream)
    answer(stream)
    const refusal = this.#absence
    const introduced = refusal ? undefined : this.#introductions.begin(addressOf(stream))
    if (introduced) void this.#receive(connection, introduced)
    else connection.close(refusal ?? new LinkError('busy'))
  }

  /** Why there is nobody to link to. */
  get #absence(): LinkError | undefined {
    if (this.#state === 'running') return undefined
    return new LinkError(this.#state === 'new' ? 'store_unavailable' : 'stopping')
  }

  get #id(): number {
    return this.#options.self().server
  }

  get #identity(): Identity {
    return { server: this.#id, key: this.#options.key, registry: this.#options.registry }
  }

  #followRegistry(): void {
    const { registry } = this.#options
    const member = this.#isMember
    for (const { link, peer } of this.#links.values()) {
      if (!member || !this.#speaksFor(peer)) link.close(new LinkError('unregistered'))
    }
    const wanted = new Map(member ? linkedServers(registry).flatMap((peer) => (peer.id > this.#id ? [[peer.id, peer]] : [])) : [])
    for (const [id, { endpoint, dialler }] of this.#diallers) {
      if (wanted.get(id)?.endpoint === endpoint) {
        dialler.retry()
        continue
      }
      dialler.stop()
      this.#diallers.delete(id)
      this.#links.get(id)?.link.close(new LinkError('replaced', 'The endpoint of the peer has changed'))
    }
    for (const [id, { endpoint }] of wanted) {
      if (this.#diallers.has(id)) continue
      const dialler = new Dialler((signal) => this.#dial(id, signal), this.#timings.redial)
      this.#diallers.set(id, { endpoint, dialler })
    }
  }

  async #dial(id: number, signal: AbortSignal): Promise<void> {
    const peer = linkedServer(this.#options.registry, id)
    if (!peer || this.#quarantine.remainingMs(id) > 0) throw new LinkError('rejected_entry')
    const { tlsCa: ca } = this.#options
    try {
      const timeout = AbortSignal.any([signal, AbortSignal.timeout(this.#timings.handshakeMs)])
      const stream = await dial(peer.endpoint, { signal: timeout, ...(ca === undefined ? {} : { ca }) })
      const connection = this.#track(stream)
      if (signal.aborted) connection.close(new LinkError('stopping'))
      const made = introductionOf(connection)
      const proven = await this.#inTime(connection, introduce(this.#identity, id, made))
      if (!proven || !this.#accepts(proven, connection)) return
      const link = new Link(id, connection, this.#host)
      this.#openBulk(link, proven.token)
      await this.#hold({ link, peer: proven, frames: made.frames })
    } catch (error) {
      this.#options.log?.debug({ peer: id, error: String(error) }, 'a peer could not be dialled')
      throw error
    }
  }

  async #receive(connection: Connection, finished: () => void): Promise<void> {
    const made = introductionOf(connection)
    const first = await this.#inTime(connection, expect(made.frames, 'HELLO', 'BULK'))
    if (first?.type === 'BULK') {
      finished()
      await this.#takeBulk(first.token, made)
      return
    }
    const peer = first && (await this.#inTime(connection, welcome(this.#identity, first, made)))
    finished()
    if (peer && this.#accepts(peer, connection)) await this.#take(peer, made)
  }

  /** Gives a peer that dialled what opens the second stream. */
  async #take(peer: ProvenPeer, { connection, frames }: Introduction): Promise<void> {
    widenWindow(connection.stream)
    const link = new Link(peer.id, connection, this.#host)
    const token = randomBytes(relayLimits.tokenBytes)
    connection.send({ type: 'TOKEN', token })
    this.#tokens.set(token.toString('hex'), link)
    void connection.ended.then(() => this.#tokens.delete(token.toString('hex')))
    const before = this.get(peer.id)?.incarnation
    // Nobody who is linked dials: unless this is the same server after a break or a new start, there are two.
    const state = before === undefined ? undefined : await this.#inTime(connection, expect(frames, 'STATE'))
    if (state && before !== undefined && state.incarnation !== before) {
      const incarnations = { linked: before, dialled: state.incarnation }
      this.#options.log?.warn({ peer: peer.id, ...incarnations }, 'a server has two processes, or a new one: keeping the later')
      if (state.incarnation < before) connection.close(new LinkError('replaced', 'A later process of this server is linked'))
    }
    if (connection.open) await this.#hold({ link, peer, frames, ...(state === undefined ? {} : { first: state }) })
  }

  /** The dialler's side of the second stream. Without it, all goes over the first. */
  #openBulk(link: Link, token: Uint8Array): void {
    const stream = openSecond(link.connection.stream)
    if (!stream) return
    const connection = this.#track(stream)
    connection.send({ type: 'BULK', token })
    void link.runBulk(connection, connection.frames())
  }

  async #takeBulk(token: Uint8Array, { connection, frames }: Introduction): Promise<void> {
    const name = Buffer.from(token).toString('hex')
    const link = this.#tokens.get(name)
    this.#tokens.delete(name)
    if (link && sameSession(link.connection.stream, connection.stream)) await link.runBulk(connection, frames)
    else connection.close(new LinkError('unexpected_frame', 'BULK came with no token of this session'))
  }

  /** What comes of a part of the introduction; undefined when it failed or took too long: then the connection is closed. */
  async #inTime<T>(connection: Connection, part: Promise<T>): Promise<T | undefined> {
    const timer = setTimeout(() => connection.close(new LinkError('handshake_timeout')), this.#timings.handshakeMs)
    try {
      return await part
    } catch (error) {
      const reason = error instanceof LinkError ? error : new LinkError('disconnected', undefined, error)
      connection.close(reason, !(reason instanceof PeerLeft))
      const { code, message } = await connection.ended
      // At the level of noise: anybody may connect, as often as the rate limit allows.
      this.#options.log?.debug({ code, detail: message }, 'no link to a peer')
      return undefined
    } finally {
      clearTimeout(timer)
    }
  }

  /** Resolves when the link has ended. */
  async #hold({ link, peer, frames, first }: Made): Promise<void> {
    const { connection } = link
    const before = this.get(peer.id)
    before?.close(new LinkError('replaced'))
    if (before) this.#host.down(before)
    this.#links.set(peer.id, { link, peer })
    this.#options.log?.info({ peer: peer.id }, 'linked to a peer')
    this.#host.up(link)
    void link.run(frames, first)
    const reason = await connection.ended
    if (reason.code === 'rejected_entry' && !(reason instanceof PeerLeft)) {
      this.#quarantine.add(peer.id)
      this.#options.log?.warn({ peer: peer.id, detail: reason.message }, 'a peer sent an invalid entry')
    } else this.#options.log?.info({ peer: peer.id, code: reason.code, detail: reason.message }, 'no longer linked to a peer')
    if (this.get(peer.id) !== link) return
    this.#links.delete(peer.id)
    this.#host.down(link)
  }

  /** The registry may have changed while the peer introduced itself. Closes the connection to a peer that is refused. */
  #accepts(peer: ProvenPeer, connection: Connection): boolean {
    const refusal = this.#refusal(peer)
    if (refusal) connection.close(refusal)
    return refusal === undefined
  }

  #refusal(peer: ProvenPeer): LinkError | undefined {
    if (this.#absence) return this.#absence
    if (!this.#isMember || !this.#speaksFor(peer)) return new LinkError('unregistered')
    const remainingMs = this.#quarantine.remainingMs(peer.id)
    if (remainingMs > 0) return new LinkError('rejected_entry', `An entry of yours was invalid: come back in ${Math.ceil(remainingMs)} ms`)
    return undefined
  }

  /** Whether this server is one of those that replicate itself. */
  get #isMember(): boolean {
    return this.#speaksFor({ id: this.#id, keyId: this.#options.key.keyId })
  }

  /** Whether the key is one of that peer's now. */
  #speaksFor({ id, keyId }: ProvenPeer): boolean {
    const { registry } = this.#options
    const server = linkedServer(registry, id)
    return server !== undefined && acceptedKeys(server, registry.now()).some((key) => key.keyId === keyId)
  }

  #track(stream: Duplex): Connection {
    const connection = new Connection(stream, this.#host.listOf)
    this.#connections.add(connection)
    void connection.ended.then(() => this.#connections.delete(connection))
    return connection
  }
}

function introductionOf(connection: Connection): Introduction {
  return { connection, frames: connection.frames(), channelBinding: channelBinding(connection.stream) }
}
