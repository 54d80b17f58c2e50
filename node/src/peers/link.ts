import { type Coordinate, type Origin, originOf, VersionVector, type VersionVectorData } from '@dred/protocol'
import { type Frame, LinkError, relayLimits, type WireEntry } from '@dred/protocol/relay'
import type { OriginEntry, Store } from '../store/port.ts'
import { ApplyQueue } from './apply-queue.ts'
import { type Connection, PeerLeft } from './connection.ts'
import type { Timings } from './options.ts'
import { PullServer } from './pull-server.ts'

/** Beyond this many queued bytes new entries are no longer pushed: the peer pulls them when it has caught up. */
const PUSH_QUEUE_BYTES = 262_144

export type ReplicationResult = 'stored' | 'known' | 'gap' | 'rejected'

/** What a link needs of the replicator that it belongs to. */
export interface LinkHost {
  readonly store: Store
  readonly timings: Timings
  /** @throws LinkError `rejected_entry`, DredError `store_unavailable` */
  verify(wire: WireEntry): Promise<OriginEntry>
  /** After the store has decided on an entry. `cover`: the servers that this one has to pass it on to. */
  applied(link: Link, outcome: { entry: OriginEntry; result: ReplicationResult; cover: readonly number[] }): void
  /** The store could not be written to or read from. */
  failed(link: Link, error: unknown): void
  sent(entries: readonly OriginEntry[]): void
  /** The peer, to which pushes were left out, has taken what was sent and should be told what is here. */
  caughtUp(link: Link): void
  /** The peer has said what it has, and all that it sent before is in the store. */
  told(link: Link): void
  /** All of an answer is in the store, as far as it could be. */
  answered(link: Link, ticket: number): void
}

/** An authenticated connection to a peer. */
export class Link {
  readonly peer: number
  readonly connection: Connection
  /** What the peer has: as it said last, and what it has sent since. */
  vector = new VersionVector()
  /** Smallest round-trip time measured lately, in milliseconds. */
  roundTripMs: number | undefined
  /** Whether a push was left out since the peer was last told what is here. */
  #behind = false
  /** Of each origin the last count up to which the peer has, or is being sent, everything. */
  readonly #sentUpTo = new Map<Origin, number>()
  readonly #host: LinkHost
  readonly #queue: ApplyQueue
  readonly #pulls: PullServer
  readonly #pinger: NodeJS.Timeout
  /** The VV frames sent last. */
  #said = Buffer.alloc(0)
  /** Parts of a vector whose last part has not come. */
  #parts: VersionVectorData[] = []

  constructor(peer: number, connection: Connection, host: LinkHost) {
    this.peer = peer
    this.connection = connection
    this.#host = host
    this.#queue = new ApplyQueue((error) => this.#brokenBy(error))
    this.#pulls = new PullServer(connection, {
      store: host.store,
      sent: (entries) => this.#answered(entries),
      failed: (error) => host.failed(this, error),
    })
    connection.stream.on('drain', () => this.#drained())
    this.#pinger = setInterval(() => this.#beat(), host.timings.pingMs)
    connection.allowLargeFrames()
    void connection.ended.then(() => {
      clearInterval(this.#pinger)
      this.#queue.stop()
    })
  }

  /** Handles what the peer says until the connection ends. Never rejects. */
  async run(frames: AsyncGenerator<Frame, void>): Promise<void> {
    try {
      for await (const frame of frames) {
        this.#handle(frame)
        await this.#queue.room()
        if (!this.connection.open) break
      }
      this.connection.close(new LinkError('disconnected'))
    } catch (error) {
      this.#brokenBy(error)
    }
  }

  close(reason: LinkError): void {
    this.connection.close(reason)
  }

  get congested(): boolean {
    return this.connection.queuedBytes > PUSH_QUEUE_BYTES
  }

  /**
   * Sends an entry, unless the peer is too slow to be sent more now or could not store it because it lacks an earlier one.
   * @param bytes of the encoded PUSH
   * @returns false when it was left out: the peer then has to be told what is here
   */
  push({ coordinate }: { coordinate: Coordinate }, bytes: Uint8Array): boolean {
    const origin = originOf(coordinate)
    const upTo = Math.max(this.#sentUpTo.get(origin) ?? 0, this.vector.watermark(origin))
    if (this.congested || coordinate.n > upTo + 1) {
      this.#behind = true
      return false
    }
    this.#sentUpTo.set(origin, Math.max(upTo, coordinate.n))
    this.connection.sendBytes(bytes)
    return true
  }

  /**
   * @param bytes of the encoded VV frames
   * @param always also when the peer was told the same before
   */
  sayVector(bytes: Uint8Array, always: boolean): void {
    if (!always && (this.congested || this.#said.equals(bytes))) return
    this.#behind = false
    this.#said = Buffer.from(bytes)
    this.connection.sendBytes(bytes)
  }

  #brokenBy(error: unknown): void {
    const reason = error instanceof LinkError ? error : new LinkError('disconnected', undefined, error)
    this.connection.close(reason, !(error instanceof PeerLeft))
  }

  #handle(frame: Frame): void {
    switch (frame.type) {
      case 'PUSH':
        this.#enqueue(frame.entry, frame.cover)
        return
      case 'BATCH': {
        const { ticket, entries } = frame
        for (const entry of entries) this.#enqueue(entry, [])
        this.#queue.addStep(() => this.#host.answered(this, ticket))
        return
      }
      case 'VV':
        this.#takeVector(frame)
        return
      case 'PULL':
        this.#pulls.add(frame)
        return
      case 'PING':
        if (!this.congested) this.connection.send({ type: 'PONG', at: frame.at })
        return
      case 'PONG':
        this.#measure(performance.now() - frame.at)
        return
      case 'HELLO':
      case 'WELCOME':
      case 'AUTH':
      case 'BYE':
        throw new LinkError('unexpected_frame', `${frame.type} came on a link that is open already`)
    }
  }

  #enqueue(wire: WireEntry, cover: readonly number[]): void {
    const size = 'canonical' in wire ? wire.canonical.length : 0
    this.#queue.addEntry(size, this.#verify(wire), (entry) => this.#store(entry, cover))
  }

  /** Undefined for an entry that cannot be judged now; it is asked for again later. */
  async #verify(wire: WireEntry): Promise<OriginEntry | undefined> {
    try {
      return await this.#host.verify(wire)
    } catch (error) {
      if (error instanceof LinkError) throw error
      this.#host.failed(this, error)
      return undefined
    }
  }

  async #store(entry: OriginEntry, cover: readonly number[]): Promise<void> {
    const { coordinate } = entry
    this.vector.raise(originOf(coordinate), coordinate.n)
    try {
      const result = await this.#host.store.replicate(entry)
      this.#host.applied(this, { entry, result, cover })
    } catch (error) {
      this.#host.failed(this, error)
    }
  }

  #takeVector({ last, vector }: { last: boolean; vector: VersionVectorData }): void {
    this.#parts.push(vector)
    if (this.#parts.length > relayLimits.vectorFrames) throw new LinkError('malformed_frame', 'A version vector in too many parts')
    if (!last) return
    const whole = new VersionVector()
    for (const part of this.#parts.splice(0)) whole.merge(VersionVector.from(part))
    this.#queue.addStep(() => {
      this.vector = whole
      this.#host.told(this)
    })
  }

  /** What is pulled closes the gap before what was left out; the rest is to be pulled at once, or pushed again. */
  #answered(entries: readonly OriginEntry[]): void {
    this.#host.sent(entries)
    const last = entries.at(-1)?.coordinate
    if (!last) return
    const origin = originOf(last)
    this.#sentUpTo.set(origin, Math.max(this.#sentUpTo.get(origin) ?? 0, last.n))
    if (this.#behind && !this.congested) this.#host.caughtUp(this)
  }

  #drained(): void {
    if (this.#behind) this.#host.caughtUp(this)
  }

  #beat(): void {
    // While this server is busy with what came, it does not listen.
    const silentMs = this.#queue.full ? 0 : performance.now() - this.connection.heardAt
    if (silentMs > this.#host.timings.silentMs) this.close(new LinkError('silent'))
    else this.connection.send({ type: 'PING', at: Math.round(performance.now()) })
  }

  #measure(roundTripMs: number): void {
    this.roundTripMs = Math.max(0, Math.min(roundTripMs, (this.roundTripMs ?? roundTripMs) * 1.2))
  }
}
