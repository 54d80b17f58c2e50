import { type Coordinate, limits, originOf, type StoredEvent } from '@dred/protocol'
import type { TrackedChannel } from '../channel-tracker.ts'
import type { Confirmation, Replicator } from '../peers/port.ts'
import type { ReceiptSigner } from '../receipt-signer.ts'

export interface StoredLevelsOptions {
  signer: ReceiptSigner
  replicator: Pick<Replicator, 'confirmed' | 'onConfirmed'>
  /** This server's id and its incarnation now. */
  self: () => Pick<Coordinate, 'server' | 'incarnation'>
  /** Least milliseconds between two rounds. */
  everyMs?: number
}

/** The readers of one channel who want to know on how many servers its messages are stored. */
export interface Follower {
  /** What there is to know now, to begin with for each reader. */
  known(): readonly StoredEvent[]
  stop(): void
}

interface Follow {
  channel: TrackedChannel
  /** At `k - 1` the count up to which the readers know of storage on `k` servers. */
  told: number[]
  tell: (events: readonly StoredEvent[]) => void
}

/**
 * Follows how far the messages of this server's incarnation are stored. One statement holds for the messages of all channels, so each is
 * signed once, however many are told; a channel's readers are told what says something new about its messages. Without readers nothing is
 * done.
 */
export class StoredLevels {
  readonly #options: StoredLevelsOptions
  readonly #follows = new Set<Follow>()
  readonly #stopListening: () => void
  /** At `k - 1` the latest statement about `k` servers, all of one incarnation and size of the neighborhood. */
  #latest: (StoredEvent | undefined)[] = []
  #incarnation = 0
  #servers = 0
  #timer: NodeJS.Timeout | undefined
  #roundAt = Number.NEGATIVE_INFINITY
  #signing = false
  #changedMeanwhile = false

  constructor(options: StoredLevelsOptions) {
    this.#options = options
    this.#stopListening = options.replicator.onConfirmed(this.changed)
  }

  /** @param tell is given what is new from now on, the most servers first */
  follow(channel: TrackedChannel, tell: (events: readonly StoredEvent[]) => void): Follower {
    const follow: Follow = { channel, told: [], tell }
    // The first reader too is given what is known once it has the history.
    this.#news(follow)
    this.#follows.add(follow)
    this.changed()
    return {
      known: () => this.#news({ channel, told: [], tell }),
      stop: () => void this.#follows.delete(follow),
    }
  }

  /** Channels that are followed now. */
  get follows(): number {
    return this.#follows.size
  }

  stop(): void {
    this.#stopListening()
    this.#follows.clear()
    clearTimeout(this.#timer)
  }

  /** To be called when a message of a followed channel was stored here; what the replicator hears is followed anyway. */
  readonly changed = (): void => {
    this.#changedMeanwhile ||= this.#signing
    if (this.#timer || this.#signing || this.#follows.size === 0) return
    const waitMs = this.#roundAt + (this.#options.everyMs ?? limits.storedEventMs) - performance.now()
    this.#timer = setTimeout(() => void this.#round(), Math.max(0, waitMs))
  }

  async #round(): Promise<void> {
    this.#timer = undefined
    this.#roundAt = performance.now()
    this.#signing = true
    const { server, incarnation } = this.#options.self()
    const { upTo, servers } = this.#options.replicator.confirmed(incarnation)
    this.#begin(incarnation, servers)
    const due = this.#due(upTo)
    const events = await Promise.all(due.map(([stored, n]) => this.#options.signer.stored({ server, incarnation, n, stored, servers })))
    this.#signing = false
    for (const event of events) this.#latest[event.stored - 1] = event
    for (const follow of this.#follows) {
      const news = this.#news(follow)
      if (news.length > 0) follow.tell(news)
    }
    if (this.#changedMeanwhile) this.changed()
    this.#changedMeanwhile = false
  }

  /** What was said of another incarnation, or of another number of servers, says nothing now. */
  #begin(incarnation: number, servers: number): void {
    if (incarnation === this.#incarnation && servers === this.#servers) return
    this.#incarnation = incarnation
    this.#servers = servers
    this.#latest = []
    for (const follow of this.#follows) follow.told = []
  }

  /** The numbers of servers of which there is something to say that some reader does not know, and up to which count. */
  #due(upTo: Confirmation['upTo']): [stored: number, n: number][] {
    // What is announced here is stored here, whoever else has said so.
    const announced = Math.max(0, ...Array.from(this.#follows, ({ channel }) => this.#top(channel)))
    const levels = [Math.max(announced, upTo[0] ?? 0), ...upTo.slice(1)]
    return levels.flatMap((n, index): [number, number][] => {
      const saysMore = n > (levels[index + 1] ?? 0) && n > (this.#latest[index]?.n ?? 0)
      return saysMore && Array.from(this.#follows).some((follow) => this.#isNews(follow, index, n)) ? [[index + 1, n]] : []
    })
  }

  /** What the readers do not know, which they do from then on. */
  #news(follow: Follow): StoredEvent[] {
    return this.#latest
      .flatMap((event) => event ?? [])
      .toReversed()
      .filter(({ stored, n }) => {
        if (!this.#isNews(follow, stored - 1, n)) return false
        for (let index = 0; index < stored; index++) follow.told[index] = Math.max(follow.told[index] ?? 0, n)
        return true
      })
  }

  #isNews({ channel, told }: Follow, index: number, n: number): boolean {
    const known = told[index] ?? 0
    return n > known && this.#top(channel) > known
  }

  /** Count of the channel's last message that entered at this server in the incarnation. */
  #top({ vector }: TrackedChannel): number {
    return vector.watermark(originOf({ server: this.#options.self().server, incarnation: this.#incarnation }))
  }
}
