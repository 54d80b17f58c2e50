import { type Coordinate, type Origin, originOf, VersionVector } from '@dred/protocol'
import { EXPIRED_CHANNEL_KEPT_MS, EXPIRED_MESSAGES_KEPT_MS } from '../entries.ts'
import type { AppendResult, Entry, NewEntry, OriginEntry } from '../port.ts'

type LoggedMessage = Entry & { kind: 'message' }

interface ModelChannel {
  genesis?: Entry & { kind: 'genesis' }
  lastActivityAt: number
  hiddenAt?: number
  log: LoggedMessage[]
  vector: Map<Origin, number>
  gone: { origin: Origin; n: number }[]
}

/** The store port as plain arrays and maps, read in full every time: what the adapters are compared with. */
export class StoreModel {
  readonly vector = new Map<Origin, number>()
  readonly announced: string[] = []
  readonly #channels = new Map<string, ModelChannel>()
  readonly #entries = new Map<string, Entry>()
  /** First coordinates, further ones and references; what was purged is not here. */
  readonly #originLog = new Map<Origin, OriginEntry[]>()
  #horizon = 0

  append(entry: NewEntry, self: Pick<Coordinate, 'server' | 'incarnation'>, acceptedAt: number): AppendResult | string {
    const known = this.#entries.get(entry.id)
    if (known?.kind === 'genesis' && this.#channels.get(known.id)?.hiddenAt !== undefined) return 'channel_expired'
    if (known) return { created: false, coordinate: known.coordinate, acceptedAt: known.acceptedAt }
    if (this.#expired(entry)) return 'message_expired'
    if (this.#channelExpired(entry.channel, entry.sentAt)) return 'channel_expired'
    const n = (this.vector.get(originOf(self)) ?? 0) + 1
    const coordinate = { ...self, n }
    this.vector.set(originOf(self), n)
    this.#log({ ...entry, coordinate, acceptedAt })
    return { created: true, coordinate, acceptedAt }
  }

  replicate(entry: OriginEntry): 'stored' | 'known' | 'gap' {
    const origin = originOf(entry.coordinate)
    const { n } = entry.coordinate
    const upTo = this.vector.get(origin) ?? 0
    if (n <= upTo) return 'known'
    if (n > upTo + 1 && entry.kind !== 'gone') return 'gap'
    this.vector.set(origin, n)
    if (entry.kind === 'gone') return 'stored'
    const known = this.#entries.get(entry.id)
    if (known) {
      this.#inOrigin(origin).push(entry)
      if (known.kind === 'message') this.#channels.get(known.channel)?.vector.set(origin, n)
    } else if (entry.kind !== 'reference' && this.#expired(entry)) {
      const channel = this.#channels.get(entry.channel)
      channel?.vector.set(origin, n)
      channel?.gone.push({ origin, n })
    } else if (entry.kind !== 'reference') {
      this.#log(entry)
    }
    return 'stored'
  }

  purge(now: number): number {
    this.#horizon = now
    let deleted = 0
    for (const channel of this.#channels.values()) {
      const { genesis } = channel
      const idle = channel.hiddenAt === undefined && genesis !== undefined && channel.lastActivityAt + genesis.genesis.idleMs < now
      if (idle) channel.hiddenAt = now
      const emptied = (channel.hiddenAt ?? now) < now - EXPIRED_MESSAGES_KEPT_MS
      const doomed = channel.log.filter((entry) => emptied || entry.expiresAt < now)
      channel.log = channel.log.filter((entry) => !doomed.includes(entry))
      for (const { id, coordinate } of doomed) {
        channel.gone.push({ origin: originOf(coordinate), n: coordinate.n })
        this.#forget(id)
      }
      if (!genesis && channel.log.length === 0) channel.hiddenAt ??= now
      deleted += doomed.length + (idle ? 1 : 0)
    }
    for (const [id, { hiddenAt = now }] of this.#channels) {
      if (hiddenAt >= now - EXPIRED_CHANNEL_KEPT_MS) continue
      this.#channels.delete(id)
      this.#forget(id)
    }
    return deleted
  }

  readOrigin({ server, incarnation, from, to }: { server: number; incarnation: number; from: number; to: number }): OriginEntry[] {
    const origin = originOf({ server, incarnation })
    const entries: OriginEntry[] = []
    for (let n = from; n <= Math.min(to, this.vector.get(origin) ?? 0); n++) {
      const kept = this.#inOrigin(origin).find(({ coordinate }) => coordinate.n === n)
      if (entries.at(-1)?.kind === 'gone' && !kept) entries.pop()
      entries.push(kept ?? { kind: 'gone', coordinate: { server, incarnation, n } })
    }
    return entries
  }

  /** Ids of the known channels, ascending. */
  channels(): string[] {
    return [...this.#channels].flatMap(([id, { genesis, hiddenAt }]) => (genesis && hiddenAt === undefined ? [id] : [])).sort()
  }

  channel(id: string): { messages: number; lastActivityAt: number; vector: VersionVector } | undefined {
    const channel = this.#channels.get(id)
    if (!channel?.genesis || channel.hiddenAt !== undefined) return undefined
    const vector = new VersionVector()
    for (const [origin, n] of channel.vector) vector.raise(origin, n)
    return { messages: channel.log.length, lastActivityAt: channel.lastActivityAt, vector }
  }

  log(channel: string): readonly LoggedMessage[] {
    return this.#channels.get(channel)?.log ?? []
  }

  purged(id: string): VersionVector {
    const vector = new VersionVector()
    const { gone, log } = this.#channels.get(id) ?? { gone: [], log: [] }
    const firstKept = (origin: Origin): number =>
      log.find(({ coordinate }) => originOf(coordinate) === origin)?.coordinate.n ?? Number.POSITIVE_INFINITY
    for (const { origin, n } of gone.filter((place) => place.n < firstKept(place.origin))) vector.raise(origin, n)
    for (const { origin, n } of gone) vector.add(origin, n)
    return vector
  }

  #log(entry: Entry): void {
    const channel: ModelChannel = this.#channels.get(entry.channel) ?? { lastActivityAt: 0, log: [], vector: new Map(), gone: [] }
    this.#channels.set(entry.channel, channel)
    this.#entries.set(entry.id, entry)
    this.#inOrigin(originOf(entry.coordinate)).push(entry)
    this.announced.push(entry.id)
    channel.lastActivityAt = Math.max(channel.lastActivityAt, entry.sentAt)
    if (entry.kind === 'message' && this.#channelExpired(entry.channel, channel.lastActivityAt)) channel.hiddenAt = this.#horizon
    else delete channel.hiddenAt
    if (entry.kind === 'genesis') {
      channel.genesis = entry
    } else {
      channel.log.push(entry)
      channel.vector.set(originOf(entry.coordinate), entry.coordinate.n)
    }
  }

  #expired({ kind, expiresAt }: NewEntry): boolean {
    return kind === 'message' && expiresAt < this.#horizon
  }

  #channelExpired(id: string, lastActivityAt: number): boolean {
    const { hiddenAt, genesis } = this.#channels.get(id) ?? {}
    return hiddenAt !== undefined && genesis !== undefined && lastActivityAt + genesis.genesis.idleMs < this.#horizon
  }

  #inOrigin(origin: Origin): OriginEntry[] {
    const log = this.#originLog.get(origin) ?? []
    this.#originLog.set(origin, log)
    return log
  }

  #forget(id: string): void {
    this.#entries.delete(id)
    for (const [origin, log] of this.#originLog) {
      this.#originLog.set(
        origin,
        log.filter((entry) => entry.kind === 'gone' || entry.id !== id),
      )
    }
  }
}
