import {
  type Coordinate,
  decodeCursor,
  DredError,
  encodeCursor,
  originOf,
  type SignedGenesis,
  type VerifiedMessage,
  VersionVector,
} from '@dred/protocol'

export interface Logged {
  message: VerifiedMessage
  coordinate: Coordinate
}

interface ChannelLog {
  genesis: SignedGenesis
  log: Logged[]
  vector: VersionVector
  purged: VersionVector
}

/** The channels of a test's relay, in memory. */
export class ChannelLogs {
  readonly #channels = new Map<string, ChannelLog>()

  get ids(): string[] {
    return [...this.#channels.keys()]
  }

  /** @throws DredError `unknown_channel` */
  of(id: string): ChannelLog {
    const state = this.#channels.get(id)
    if (!state) throw new DredError('unknown_channel')
    return state
  }

  /** @returns false when it is here already */
  adopt(id: string, genesis: SignedGenesis): boolean {
    if (this.#channels.has(id)) return false
    this.#channels.set(id, { genesis, log: [], vector: new VersionVector(), purged: new VersionVector() })
    return true
  }

  forget(id: string): void {
    this.#channels.delete(id)
  }

  /** Forgets the oldest `count` messages. */
  purge(id: string, count: number): void {
    const state = this.#channels.get(id)
    for (const { coordinate } of state?.log.splice(0, count) ?? []) state?.purged.raise(originOf(coordinate), coordinate.n)
  }

  messages(id: string): string[] {
    return (this.#channels.get(id)?.log ?? []).map(({ message }) => message.id)
  }

  has(message: string): boolean {
    return this.ids.some((id) => this.messages(id).includes(message))
  }

  /** Its coordinate counts either way. @returns false for a message that is here already, or of an unknown channel */
  add(logged: Logged): boolean {
    const state = this.#channels.get(logged.message.channel)
    if (!state) return false
    state.vector.raise(originOf(logged.coordinate), logged.coordinate.n)
    if (state.log.some(({ message }) => message.id === logged.message.id)) return false
    state.log.push(logged)
    return true
  }

  /** Takes all that others have. */
  merge(from: ChannelLogs, take: (logged: Logged) => void): void {
    for (const id of from.ids) {
      const { genesis, log, vector } = from.of(id)
      this.adopt(id, genesis)
      for (const logged of log) take(logged)
      this.of(id).vector.merge(vector)
    }
  }

  /** Where a stream or page begins. @throws DredError `cursor_expired` */
  startOf(id: string, query: { after: string | null; last: string | null; from: string | null }): VersionVector {
    const { log, purged, vector } = this.of(id)
    if (query.after !== null) {
      const seen = decodeCursor(id, query.after)
      if (!seen.covers(purged)) throw new DredError('cursor_expired', { oldest: encodeCursor(id, purged) })
      return seen
    }
    const position = purged.clone()
    if (query.from !== null) return position
    if (query.last === null) return vector.clone()
    for (const { coordinate } of log.slice(0, Math.max(0, log.length - Number(query.last))))
      position.raise(originOf(coordinate), coordinate.n)
    return position
  }

  page(id: string, query: URLSearchParams): unknown {
    const { log, purged } = this.of(id)
    const limit = Number(query.get('limit') ?? 100)
    const after = query.get('after')
    const before = query.get('before')
    const covers = (cursor: string, { coordinate }: Logged): boolean => decodeCursor(id, cursor).has(originOf(coordinate), coordinate.n)
    if (after !== null) this.startOf(id, { after, last: null, from: null })
    const candidates = log.filter((logged) => (after === null || !covers(after, logged)) && (before === null || covers(before, logged)))
    const items = after === null ? candidates.slice(-limit) : candidates.slice(0, limit)
    const position = after === null ? purged.clone() : decodeCursor(id, after)
    const cut = (upTo: Logged[]): string => {
      for (const { coordinate } of upTo) position.raise(originOf(coordinate), coordinate.n)
      return encodeCursor(id, position)
    }
    const rest = after === null ? candidates.slice(0, -limit) : []
    const older = rest.length > 0 ? cut(rest) : null
    const rendered = items.map((logged) => ({
      id: logged.message.id,
      sig: logged.message.sig,
      cursor: cut([logged]),
      origin: logged.coordinate,
      ...(JSON.parse(logged.message.canonical) as Record<string, unknown>),
    }))
    return {
      items: rendered,
      next: after === null ? older : items.length < candidates.length ? encodeCursor(id, position) : null,
      cursor: encodeCursor(id, position),
    }
  }

  describe(id: string): unknown {
    const { genesis, log, vector } = this.of(id)
    return { id, genesis, expiresAt: Date.now() + genesis.idleMs, messages: log.length, cursor: encodeCursor(id, vector) }
  }
}
