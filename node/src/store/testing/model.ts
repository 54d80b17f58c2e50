import { type Coordinate, type Origin, originOf, VersionVector } from '@dred/protocol'
import { EXPIRED_CHANNEL_KEPT_MS, EXPIRED_MESSAGES_KEPT_MS } from '../entries.ts'
import type { AppendResult, Entry, NewEntry, OriginEntry, RetentionCaps, StoreAccount } from '../port.ts'

type LoggedMessage = Entry & { kind: 'message' }

/** As an adapter gives it, but for the position. */
export interface ModelPlace {
  entry: LoggedMessage
  watermark: number
}

interface ModelChannel {
  genesis?: Entry & { kind: 'genesis' }
  lastActivityAt: number
  hiddenAt?: number
  log: ModelPlace[]
  vector: VersionVector
  gone: { origin: Origin; n: number }[]
}

/** The store port as plain arrays and maps, read in full every time: what the adapters are compared with. */
export class StoreModel {
  readonly vector = new VersionVector()
  readonly announced: string[] = []
  readonly #channels = new Map<string, ModelChannel>()
  readonly #entries = new Map<string, Entry>()
  /** First coordinates, further ones and references; what was purged is not here. */
  readonly #originLog = new Map<Origin, OriginEntry[]>()
  /** Of all channels, whether they are kept or not. */
  readonly #logged: ModelPlace[] = []
  #horizon = 0

  append(entry: NewEntry, self: Pick<Coordinate, 'server' | 'incarnation'>, clock: number): AppendResult | string {
    const known = this.#entries.get(entry.id)
    if (known?.kind === 'genesis' && this.#channels.get(known.id)?.hiddenAt !== undefined) return 'channel_expired'
    if (known) return { created: false, coordinate: known.coordinate, clock: known.clock }
    if (this.#expired(entry)) return 'message_expired'
    if (this.#channelExpired(entry.channel, entry.sentAt)) return 'channel_expired'
    const coordinate = { ...self, n: this.vector.watermark(originOf(self)) + 1 }
    this.vector.add(originOf(self), coordinate.n)
    this.#log({ ...entry, coordinate, clock })
    return { created: true, coordinate, clock }
  }

  replicate(entry: OriginEntry): 'stored' | 'known' | 'refused' {
    const origin = originOf(entry.coordinate)
    const { n } = entry.coordinate
    const from = entry.kind === 'gone' ? entry.from : n
    const counts = Array.from({ length: n - from + 1 }, (_, i) => from + i)
    if (counts.every((count) => this.vector.has(origin, count))) return 'known'
    if (!this.vector.addRange(origin, from, n)) return 'refused'
    if (entry.kind === 'gone') return 'stored'
    const known = this.#entries.get(entry.id)
    if (known) {
      this.#inOrigin(origin).push(entry)
      if (known.kind === 'message') this.#advance(this.#channels.get(known.channel), entry.coordinate)
    } else if (entry.kind !== 'reference' && this.#expired(entry)) {
      const channel = this.#channels.get(entry.channel)
      this.#advance(channel, entry.coordinate)
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
      const doomed = channel.log.filter(({ entry }) => emptied || entry.expiresAt < now)
      channel.log = channel.log.filter((logged) => !doomed.includes(logged))
      for (const { entry } of doomed) {
        channel.gone.push({ origin: originOf(entry.coordinate), n: entry.coordinate.n })
        this.#forget(entry.id)
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
    for (let n = from; n <= to; n++) {
      if (!this.vector.has(origin, n)) continue
      const kept = this.#inOrigin(origin).find(({ coordinate }) => coordinate.n === n)
      const last = entries.at(-1)
      const run = !kept && last?.kind === 'gone' && last.coordinate.n === n - 1 ? last : undefined
      if (run) run.coordinate.n = n
      else entries.push(kept ?? { kind: 'gone', coordinate: { server, incarnation, n }, from: n })
    }
    return entries
  }

  floors(): Record<Origin, number> {
    const floors: Record<Origin, number> = {}
    for (const origin of this.vector.origins) {
      const kept = this.#inOrigin(origin).map(({ coordinate }) => coordinate.n)
      const floor = Math.min(this.vector.watermark(origin), Math.min(...kept) - 1)
      if (floor > 0) floors[origin] = floor
    }
    return floors
  }

  unknown(ids: readonly string[]): string[] {
    return ids.filter((id) => !this.#entries.has(id))
  }

  cut(caps: RetentionCaps, now: number): number {
    const { maxMessages, maxBytes, maxIdleMs = now, totalMessages, totalBytes, maxLifetimeMs = now } = caps
    let deleted = 0
    const cutWhile = (kept: () => ModelPlace[], isTooMuch: (oldest: LoggedMessage) => boolean): void => {
      for (;;) {
        const oldest = kept().find(({ entry }) => !isControl(entry))
        if (!oldest || !isTooMuch(oldest.entry)) return
        this.#drop(oldest)
        deleted++
      }
    }
    for (const id of this.channels()) {
      const channel = this.#channels.get(id)
      const kept = (): ModelPlace[] => channel?.log ?? []
      cutWhile(kept, () => (channel?.lastActivityAt ?? 0) < now - maxIdleMs || exceeds(kept(), maxMessages, maxBytes))
    }
    const all = (): ModelPlace[] => this.#logged.filter((logged) => this.log(logged.entry.channel).includes(logged))
    cutWhile(all, ({ sentAt }) => exceeds(all(), totalMessages, totalBytes) || sentAt < now - maxLifetimeMs)
    for (const channel of this.#channels.values()) if (deleted > 0 && !channel.genesis && channel.log.length === 0) channel.hiddenAt ??= now
    return deleted
  }

  account(): StoreAccount {
    const all = [...this.#channels.values()].flatMap(({ log }) => log)
    return { messages: all.length, bytes: bytesOf(all), channels: this.channels().length }
  }

  /** Ids of the known channels, ascending. */
  channels(): string[] {
    return [...this.#channels].flatMap(([id, { genesis, hiddenAt }]) => (genesis && hiddenAt === undefined ? [id] : [])).sort()
  }

  channel(id: string): { messages: number; lastActivityAt: number; vector: VersionVector } | undefined {
    const channel = this.#channels.get(id)
    if (!channel?.genesis || channel.hiddenAt !== undefined) return undefined
    return { messages: channel.log.length, lastActivityAt: channel.lastActivityAt, vector: channel.vector }
  }

  log(channel: string): readonly ModelPlace[] {
    return this.#channels.get(channel)?.log ?? []
  }

  controls(channel: string): ModelPlace[] {
    return this.log(channel).filter(({ entry }) => isControl(entry))
  }

  purged(id: string): VersionVector {
    const vector = new VersionVector()
    const { gone, log } = this.#channels.get(id) ?? { gone: [], log: [] }
    // What may still come must not be covered either.
    const covered = (origin: Origin): number => {
      const kept = log.flatMap(({ entry }) => (originOf(entry.coordinate) === origin && !isControl(entry) ? entry.coordinate.n : []))
      return Math.min(this.vector.watermark(origin), Math.min(...kept) - 1)
    }
    for (const { origin, n } of gone) if (n <= covered(origin)) vector.raise(origin, n)
    for (const { origin, n } of gone) vector.add(origin, n)
    return vector
  }

  #drop(doomed: ModelPlace): void {
    const { channel: id, coordinate, id: message } = doomed.entry
    const channel = this.#channels.get(id)
    if (!channel) return
    channel.log = channel.log.filter((logged) => logged !== doomed)
    channel.gone.push({ origin: originOf(coordinate), n: coordinate.n })
    this.#forget(message)
  }

  #log(entry: Entry): void {
    const channel: ModelChannel = this.#channels.get(entry.channel) ?? {
      lastActivityAt: 0,
      log: [],
      vector: new VersionVector(),
      gone: [],
    }
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
      const logged = { entry, watermark: this.vector.watermark(originOf(entry.coordinate)) }
      channel.log.push(logged)
      this.#logged.push(logged)
      this.#advance(channel, entry.coordinate)
    }
  }

  #advance(channel: ModelChannel | undefined, { server, incarnation, n }: Coordinate): void {
    const origin = originOf({ server, incarnation })
    channel?.vector.raise(origin, this.vector.watermark(origin))
    channel?.vector.add(origin, n)
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

function isControl({ expiresAt }: LoggedMessage): boolean {
  return expiresAt === Number.MAX_SAFE_INTEGER
}

function bytesOf(log: readonly ModelPlace[]): number {
  return log.reduce((bytes, { entry }) => bytes + Buffer.byteLength(entry.canonical), 0)
}

function exceeds(log: readonly ModelPlace[], maxMessages = Number.POSITIVE_INFINITY, maxBytes = Number.POSITIVE_INFINITY): boolean {
  return log.length > maxMessages || bytesOf(log) > maxBytes
}
