import type { Duplex } from 'node:stream'
import { LinkError } from '@dred/protocol/relay'
import { acceptedKeys } from '../chain/standing.ts'
import { Connection, PeerLeft } from './connection.ts'
import { addressOf, answer, channelBinding, dial, widenWindow } from './dial.ts'
import { Dialler } from './dialler.ts'
import { type Identity, introduce, type Introduction, type ProvenPeer, welcome } from './handshake.ts'
import { Introductions } from './introductions.ts'
import { Link, type LinkHost } from './link.ts'
import type { ReplicatorOptions, Timings } from './options.ts'
import { Quarantine } from './quarantine.ts'

const MAX_INTRODUCTIONS = { altogether: 256, ofOneAddress: 8 }

export interface PeerLinksHost extends LinkHost {
  up(link: Link): void
  down(link: Link): void
}

interface Introduced extends Introduction {
  peer: ProvenPeer
}

interface Held {
  link: Link
  peer: ProvenPeer
}

/**
 * One link to every other peer in the neighborhood, as long as the registry has it and accepts the key that it showed: dialled from here to servers with higher ids,
 * taken from those with lower ones.
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
  #running = false
  #stopFollowing: (() => void) | undefined

  constructor(options: ReplicatorOptions, host: PeerLinksHost) {
    this.#options = options
    this.#timings = host.timings
    this.#host = host
    this.#quarantine = new Quarantine(host.timings.quarantine)
  }

  start(): void {
    this.#running = true
    this.#stopFollowing = this.#options.registry.onChange(() => this.#followRegistry())
    this.#followRegistry()
  }

  async stop(): Promise<void> {
    this.#running = false
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
    if (!this.#running) {
      connection.close(new LinkError('stopping'))
      return
    }
    const introduced = this.#introductions.begin(addressOf(stream))
    if (introduced) void this.#receive(connection, introduced)
    else connection.close(new LinkError('busy'))
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
    const wanted = new Map(member ? registry.peers().flatMap((peer) => (peer.id > this.#id ? [[peer.id, peer]] : [])) : [])
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
    const peer = this.#options.registry.peer(id)
    if (!peer || this.#quarantine.remainingMs(id) > 0) throw new LinkError('rejected_entry')
    const { tlsCa: ca } = this.#options
    try {
      const timeout = AbortSignal.any([signal, AbortSignal.timeout(this.#timings.handshakeMs)])
      const stream = await dial(peer.endpoint, { signal: timeout, ...(ca === undefined ? {} : { ca }) })
      const connection = this.#track(stream)
      if (signal.aborted) connection.close(new LinkError('stopping'))
      const introduced = await this.#introduction(connection, (made) => introduce(this.#identity, id, made))
      if (introduced) await this.#hold(introduced)
    } catch (error) {
      this.#options.log?.debug({ peer: id, error: String(error) }, 'a peer could not be dialled')
      throw error
    }
  }

  async #receive(connection: Connection, finished: () => void): Promise<void> {
    const introduced = await this.#introduction(connection, (made) => welcome(this.#identity, made))
    finished()
    if (!introduced) return
    widenWindow(connection.stream)
    await this.#hold(introduced)
  }

  /** @returns undefined when the peer was refused, or refused; the connection is closed then */
  async #introduction(connection: Connection, talk: (introduction: Introduction) => Promise<ProvenPeer>): Promise<Introduced | undefined> {
    const timer = setTimeout(() => connection.close(new LinkError('handshake_timeout')), this.#timings.handshakeMs)
    try {
      const introduction = { connection, frames: connection.frames(), channelBinding: channelBinding(connection.stream) }
      return { ...introduction, peer: await talk(introduction) }
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
  async #hold({ peer, connection, frames }: Introduced): Promise<void> {
    const refusal = this.#refusal(peer)
    if (refusal) {
      connection.close(refusal)
      return
    }
    this.#links.get(peer.id)?.link.close(new LinkError('replaced'))
    const link = new Link(peer.id, connection, this.#host)
    this.#links.set(peer.id, { link, peer })
    this.#options.log?.info({ peer: peer.id }, 'linked to a peer')
    this.#host.up(link)
    void link.run(frames)
    const reason = await connection.ended
    if (this.#links.get(peer.id)?.link === link) this.#links.delete(peer.id)
    if (reason.code === 'rejected_entry' && !(reason instanceof PeerLeft)) {
      this.#quarantine.add(peer.id)
      this.#options.log?.warn({ peer: peer.id, detail: reason.message }, 'a peer sent an invalid entry')
    } else this.#options.log?.info({ peer: peer.id, code: reason.code, detail: reason.message }, 'no longer linked to a peer')
    this.#host.down(link)
  }

  /** The registry may have changed while the peer introduced itself. */
  #refusal(peer: ProvenPeer): LinkError | undefined {
    if (!this.#running) return new LinkError('stopping')
    if (!this.#isMember || !this.#speaksFor(peer)) return new LinkError('unregistered')
    const remainingMs = this.#quarantine.remainingMs(peer.id)
    if (remainingMs > 0) return new LinkError('rejected_entry', `An entry of yours was invalid: come back in ${Math.ceil(remainingMs)} ms`)
    return undefined
  }

  /** Whether this server is one of the peers itself. */
  get #isMember(): boolean {
    return this.#speaksFor({ id: this.#id, keyId: this.#options.key.keyId })
  }

  /** Whether the key is one of that peer's now. */
  #speaksFor({ id, keyId }: ProvenPeer): boolean {
    const { registry } = this.#options
    const server = registry.peer(id)
    return server !== undefined && acceptedKeys(server, registry.now()).some((key) => key.keyId === keyId)
  }

  #track(stream: Duplex): Connection {
    const connection = new Connection(stream)
    this.#connections.add(connection)
    void connection.ended.then(() => this.#connections.delete(connection))
    return connection
  }
}
