import { type Coordinate, DredError, originOf } from '@dred/protocol'
import { EXPIRED_CHANNEL_KEPT_MS, EXPIRED_MESSAGES_KEPT_MS, PURGE_STEP, unavailable } from './entries.ts'
import type { TokenPool } from '../limits/port.ts'
import { Listeners } from '../listeners.ts'
import type { AppendResult, Entry, NewEntry, OriginEntry, Place, Position, Store, StoreSize } from './port.ts'
import { RedisConnection, type RedisConnectionOptions, type ScriptedRedis } from './redis-connection.ts'
import { RedisFeed } from './redis-feed.ts'
import { memoryOf } from './redis-health.ts'
import { readAccount, RedisCut } from './redis-cut.ts'
import { redisNotices } from './redis-notices.ts'
import { RedisReader } from './redis-reader.ts'
import { coordinateOf, entryArguments, type Keys, keysUnder, type Logged, toldOf } from './redis-records.ts'
import { RedisShared } from './redis-shared.ts'
import { takeTokens } from './redis-tokens.ts'

export type RedisStoreOptions = RedisConnectionOptions

/**
 * The store in Redis. What was reported as written is as durable as Redis is told to make it: with `appendonly yes` and
 * `appendfsync always` it survives the end of Redis, with `everysec` up to a second may be lost.
 * @throws DredError `store_unavailable` when Redis is not there; later it may go and come back
 */
export async function openRedisStore(options: RedisStoreOptions): Promise<Store> {
  const store = new RedisStore(options)
  await store.connect()
  return store
}

class RedisStore implements Store {
  readonly #options: RedisStoreOptions
  readonly #keys: Keys
  readonly #reader: RedisReader
  readonly #feed: RedisFeed
  readonly #cut: RedisCut
  readonly #appended = new Listeners<[entry: Entry, place: Place | undefined]>()
  readonly #reconnected = new Listeners<[]>()
  #connection: RedisConnection | undefined
  readonly shared: RedisShared
  /** This server's registry id, once it has counted something. */
  #server: number | undefined

  constructor(options: RedisStoreOptions) {
    this.#options = options
    this.#keys = keysUnder(options.prefix)
    this.#reader = new RedisReader(this.#keys)
    this.notices = redisNotices(this.#keys.notices, (command) => this.#write(command))
    this.#cut = new RedisCut(this.#keys, (command) => this.#write(command))
    this.#feed = new RedisFeed(this.#keys, this.#reader, {
      announce: (entry, place) => this.#announce(entry, place),
      lapsed: () => this.#reconnected.emit(),
    })
    this.shared = new RedisShared(this.#keys, {
      run: (command) => this.#write(command),
      logged: (payload) => this.#told(payload),
      heard: (position) => this.#settleSoon(position),
      // To others nothing is told of what replicas may still lack.
      tellsInScript: !options.replicas,
    })
  }

  async connect(): Promise<void> {
    let first = true
    this.#connection = await RedisConnection.open(this.#options, {
      resume: async (redis, replicated) => {
        const last = await this.#resume(redis)
        if (first) this.#feed.begin(last)
        first = false
        await replicated()
        await this.#feed.catchUp(redis, Math.max(last, this.#feed.position))
      },
      resumed: () => {
        this.shared.listenAnew()
        this.#reconnected.emit()
      },
      lost: () => undefined,
    })
    await this.shared.listen(this.#options)
  }

  async append(entry: NewEntry, self: Pick<Coordinate, 'server' | 'incarnation'>, clock: number): Promise<AppendResult> {
    this.#server = self.server
    for (let incarnation = self.incarnation; ; ) {
      incarnation = Math.max(incarnation, this.shared.incarnation)
      const reply = await this.#appendIn({ server: self.server, incarnation }, entry, clock)
      const [outcome, n, ...rest] = reply
      if (outcome === 'message_expired' || outcome === 'channel_expired') throw new DredError(outcome)
      if (outcome === 'known') return { created: false, coordinate: coordinateOf(rest[0], n), clock: Number(rest[1]) }
      if (outcome === 'stale' && Number(n) > incarnation) {
        this.shared.learn(Number(n))
        continue
      }
      if (outcome !== 'created') throw this.#behind()
      this.shared.learn(incarnation)
      const [given, ...place] = rest
      const result = { coordinate: { server: self.server, incarnation, n: Number(n) }, clock: Number(given) }
      await this.#logged({ ...entry, ...result }, place)
      return { created: true, ...result }
    }
  }

  async replicate(entry: OriginEntry): Promise<'stored' | 'known' | 'refused'> {
    const place = [originOf(entry.coordinate), `${entry.coordinate.n}`]
    const reply = await this.#write((redis) =>
      redis.dredReplicate(this.#keys.prefix, ...this.#writer, ...place, ...replicateArguments(entry)),
    )
    const [outcome, ...rest] = reply as ['stored' | 'known' | 'refused' | 'behind', ...string[]]
    if (outcome === 'behind') throw this.#behind()
    if (rest.length === 2) await this.#logged(entry as Entry, rest)
    return outcome
  }

  async purge(now: number): Promise<number> {
    let total = 0
    for (;;) {
      const step = [now, PURGE_STEP, now - EXPIRED_MESSAGES_KEPT_MS, now - EXPIRED_CHANNEL_KEPT_MS].map(String)
      const [deleted, more] = (await this.#write((redis) => redis.dredPurge(this.#keys.prefix, ...step))) as [number, number]
      total += deleted
      if (!more) return total
    }
  }

  readonly cut: Store['cut'] = (caps, now) => this.#cut.run(caps, now)
  readonly account: Store['account'] = () => this.#run((redis) => readAccount(redis, this.#keys))

  readonly vector: Store['vector'] = () => this.#run((redis) => this.#reader.vector(redis))
  readonly floors: Store['floors'] = () => this.#run((redis) => this.#reader.floors(redis))
  readonly unknown: Store['unknown'] = (ids) => this.#run((redis) => this.#reader.unknown(redis, ids))
  readonly readOrigin: Store['readOrigin'] = (range, limit) => this.#run((redis) => this.#reader.readOrigin(redis, range, limit))
  readonly channel: Store['channel'] = (id) => this.#run((redis) => this.#reader.channel(redis, id))
  readonly channels: Store['channels'] = (after, query) => this.#run((redis) => this.#reader.channels(redis, after, query))
  readonly readForward: Store['readForward'] = (channel, seen, options) =>
    this.#run((redis) => this.#reader.readForward(redis, { channel, seen }, options))
  readonly readBackward: Store['readBackward'] = (channel, within, options) =>
    this.#run((redis) => this.#reader.readBackward(redis, { channel, within }, options))
  readonly ahead: Store['ahead'] = (channel, counts, before) => this.#run((redis) => this.#reader.ahead(redis, { channel, counts }, before))
  readonly controls: Store['controls'] = (channel, options) => this.#run((redis) => this.#reader.controls(redis, channel, options))
  readonly purged: Store['purged'] = (channel) => this.#run((redis) => this.#reader.purged(redis, channel))
  readonly notices: Store['notices']
  readonly tokens: TokenPool = { take: (requests) => this.#run((redis) => takeTokens(redis, this.#keys.prefix, requests)) }

  onAppended(listener: (entry: Entry, place: Place | undefined) => void): () => void {
    return this.#appended.add(listener)
  }

  onReconnected(listener: () => void): () => void {
    return this.#reconnected.add(listener)
  }

  async size(): Promise<StoreSize> {
    return this.#run(async (redis) => memoryOf(await redis.info('memory')))
  }

  /** Also writes: what takes no writes is of little use. */
  async ping(): Promise<void> {
    await this.#run((redis) => redis.hset(this.#keys.state, 'pinged', 1))
  }

  async close(): Promise<void> {
    this.shared.close()
    this.#connection?.close()
    this.#connection = undefined
  }

  async #run<T>(command: (redis: ScriptedRedis) => Promise<T>): Promise<T> {
    if (!this.#connection) throw unavailable('The store is closed')
    return this.#connection.run(command)
  }

  /** As {@link #run}, once it is as durable as it is to be. */
  async #write<T>(command: (redis: ScriptedRedis) => Promise<T>): Promise<T> {
    if (!this.#connection) throw unavailable('The store is closed')
    return this.#connection.write(command)
  }

  /** @returns the last position given */
  async #resume(redis: ScriptedRedis): Promise<Position> {
    const [heard, known] = [this.#feed.position, this.shared.incarnation]
    const given = [`${heard}`, `${known}`, `${Date.now()}`, this.shared.process]
    const [last, incarnation, instance] = (await redis.dredResume(this.#keys.prefix, ...given)) as [string, string, string]
    this.shared.instance = instance
    this.shared.learn(Number(incarnation))
    return Number(last)
  }

  async #appendIn(self: Pick<Coordinate, 'server' | 'incarnation'>, entry: NewEntry, clock: number): Promise<string[]> {
    const begins = self.incarnation > this.shared.incarnation ? '1' : ''
    const counted = [`${self.server}`, `${self.incarnation}`, begins]
    const reply = await this.#write((redis) =>
      redis.dredAppend(this.#keys.prefix, ...this.#writer, ...entryArguments(entry, clock), ...counted),
    )
    return reply as string[]
  }

  /** Who writes, and the last position that it has heard of. */
  get #writer(): [self: string, heard: string] {
    return [this.shared.self, `${this.#feed.position}`]
  }

  /** Redis has lost what it had answered, while it was within reach. */
  #behind(): Error {
    const reason = 'Redis lacks what it had'
    this.#connection?.reconnect(reason)
    return unavailable(reason)
  }

  /** Announces an entry before its writer hears of it. */
  async #logged(entry: Entry, [at, upTo]: string[]): Promise<void> {
    const position: Position = Number(at)
    const place = entry.kind === 'message' ? { position, watermark: Number(upTo) } : undefined
    if (!this.#feed.offer({ position, entry, place })) await this.#settle(position)
    this.shared.logged(position)
  }

  /** What another process logged, in its own words. */
  #told(payload: Buffer): void {
    const end = payload.indexOf(10)
    const position = Number(payload.subarray(0, end === -1 ? undefined : end).toString())
    if (position <= this.#feed.announced) return
    const logged: Logged | undefined = end === -1 ? undefined : toldOf(payload.toString())
    if (!logged || !this.#feed.offer(logged)) this.#settleSoon(position)
  }

  /** Announces all up to a position: what others logged is on its way here, or else in the feed. */
  async #settle(position: Position): Promise<void> {
    if (this.shared.isTold && (await this.#feed.settle(position))) return
    await this.#run((redis) => this.#feed.catchUp(redis, position))
  }

  #settleSoon(position: Position): void {
    // If it is out of reach: whoever resumes catches up.
    this.#settle(position).catch(() => undefined)
  }

  #announce(entry: Entry, place: Place | undefined): void {
    const { server, incarnation } = entry.coordinate
    if (server === this.#server) this.shared.learn(incarnation)
    this.#appended.emit(entry, place)
  }
}

function replicateArguments(entry: OriginEntry): string[] {
  if (entry.kind === 'gone') return ['gone', `${entry.from}`]
  if (entry.kind === 'reference') return ['reference', entry.id]
  return entryArguments(entry, entry.clock)
}
