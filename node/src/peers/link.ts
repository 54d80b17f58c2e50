import { type CoreFrame, LinkError, type LinkFrame, type NoticeFrame, type RelayFrame } from '@dred/protocol/relay'
import { type Connection, PeerLeft } from './connection.ts'

/** A peer that has this much to take, or has sent this much that is still being judged, is not listened to until it is less. */
const QUEUE_BYTES = 4 * 1_048_576
const LOAD_BYTES = 2 * 1_048_576
/** A queue is told anew when it went into another of these steps. */
const STEP_BYTES = 65_536
const STEP_MS = 250
/** Milliseconds between looks at a queue that is not empty. */
const LOOK_MS = 100

export type Lane = 'live' | 'bulk'

/** What a link needs of the replicator that it belongs to. */
export interface LinkHost {
  /** Hands over what the peer says. */
  heard(link: Link, frame: CoreFrame | NoticeFrame): void
  queued(link: Link, queue: { bytes: number; ageMs: number }): void
  /** Whether so much waits for the store that no peer is listened to. */
  readonly busy: boolean
}

/** An authenticated connection to a peer: one stream for what is live, and one in the same session for bulk where the peer opened it. */
export class Link {
  readonly peer: number
  readonly connection: Connection
  /** Of the peer, as it said last. */
  incarnation: number | undefined
  /** Smallest round-trip time measured lately, in milliseconds. */
  roundTripMs: number | undefined
  #bulk: Connection | undefined
  readonly #host: LinkHost
  /** Bytes that came from the peer and are still being judged. */
  #load = 0
  #step = '0 0'
  #looking: NodeJS.Timeout | undefined
  #wakes: (() => void)[] = []

  constructor(peer: number, connection: Connection, host: LinkHost) {
    this.peer = peer
    this.connection = connection
    this.#host = host
    connection.allowLargeFrames()
    this.#follow(connection)
    void connection.ended.then(() => {
      clearTimeout(this.#looking)
      this.#bulk?.close(new LinkError('disconnected'))
    })
  }

  /**
   * Handles what the peer says until the connection ends. Never rejects.
   * @param first what it said already
   */
  async run(frames: AsyncGenerator<RelayFrame, void>, first?: CoreFrame): Promise<void> {
    if (first) this.#takeLive(first)
    await this.#listen(frames, (frame) => this.#takeLive(frame))
    this.connection.close(new LinkError('disconnected'))
  }

  /** Takes the second stream into use, until it ends. */
  async runBulk(bulk: Connection, frames: AsyncGenerator<RelayFrame, void>): Promise<void> {
    if (!this.connection.open || this.#bulk?.open) {
      bulk.close(new LinkError('unexpected_frame', 'The link has its second stream already'))
      return
    }
    this.#bulk = bulk
    bulk.allowLargeFrames()
    this.#follow(bulk)
    await this.#listen(frames, (frame) => this.#takeBulk(frame))
    bulk.close(new LinkError('disconnected'))
  }

  /** @param bytes of encoded frames */
  send(bytes: Uint8Array, lane: Lane): void {
    const bulk = lane === 'bulk' && this.#bulk?.open ? this.#bulk : undefined
    const connection = bulk ?? this.connection
    connection.sendBytes(bytes)
    if (!bulk) this.#look()
  }

  close(reason: LinkError): void {
    this.connection.close(reason)
  }

  get queuedBytes(): number {
    return this.connection.queuedBytes + (this.#bulk?.queuedBytes ?? 0)
  }

  /** Counts what came from the peer until it is judged. @returns how to say that it is, to be called once */
  charge(bytes: number): () => void {
    this.#load += bytes
    return () => {
      this.#load -= bytes
      this.wake()
    }
  }

  /** Looks whether the peer may be listened to again. */
  wake(): void {
    if (this.#wakes.length === 0 || this.#full) return
    for (const wake of this.#wakes.splice(0)) wake()
  }

  get #full(): boolean {
    return this.connection.open && (this.#host.busy || this.#load > LOAD_BYTES || this.queuedBytes > QUEUE_BYTES)
  }

  async #listen(frames: AsyncGenerator<RelayFrame, void>, take: (frame: RelayFrame) => void): Promise<void> {
    try {
      for await (const frame of frames) {
        take(frame)
        while (this.#full) await new Promise<void>((resolve) => this.#wakes.push(resolve))
        if (!this.connection.open) return
      }
    } catch (error) {
      // Whatever breaks the second stream, the link goes on without; unless it was the peer's fault.
      if (error instanceof LinkError) this.connection.close(error, !(error instanceof PeerLeft))
    }
  }

  #takeLive(frame: RelayFrame): void {
    if (isOfLink(frame)) throw new LinkError('unexpected_frame', `${frame.type} came on a link that is open already`)
    if (frame.type === 'STATE') this.incarnation = frame.incarnation
    else if (frame.type === 'PONG') this.#measure(performance.now() - frame.at)
    this.#host.heard(this, frame)
  }

  #takeBulk(frame: RelayFrame): void {
    if (frame.type !== 'BATCH') throw new LinkError('unexpected_frame', `${frame.type} came on the stream for bulk`)
    this.#host.heard(this, frame)
  }

  #follow(connection: Connection): void {
    connection.stream.on('drain', () => {
      this.wake()
      this.#look()
    })
    void connection.ended.then(() => this.wake())
  }

  /** Tells how much waits to be written to the live stream, when that has changed by much. */
  #look(): void {
    const { queuedBytes: bytes, queuedMs: ageMs } = this.connection
    if (bytes > 0 && this.connection.open) {
      this.#looking ??= setTimeout(() => {
        this.#looking = undefined
        this.#look()
      }, LOOK_MS)
    }
    const step = `${Math.floor(bytes / STEP_BYTES)} ${bytes === 0 ? 0 : Math.floor(ageMs / STEP_MS)}`
    if (step === this.#step) return
    this.#step = step
    this.#host.queued(this, { bytes, ageMs })
  }

  #measure(roundTripMs: number): void {
    this.roundTripMs = Math.max(0, Math.min(roundTripMs, (this.roundTripMs ?? roundTripMs) * 1.2))
  }
}

const ofLink: ReadonlySet<string> = new Set<LinkFrame['type']>(['HELLO', 'WELCOME', 'AUTH', 'TOKEN', 'BULK', 'BYE'])

function isOfLink(frame: RelayFrame): frame is LinkFrame {
  return ofLink.has(frame.type)
}
