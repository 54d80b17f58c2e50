import { DredError, originOf } from '@dred/protocol'
import { EXPIRED_CHANNEL_KEPT_MS, EXPIRED_MESSAGES_KEPT_MS, PURGE_STEP, unavailable } from './entries.ts'
import { Listeners } from './listeners.ts'
import type { AppendResult, Entry, NewEntry, OriginEntry, Place, Position, Store } from './port.ts'
import { RedisConnection, type RedisConnectionOptions, type ScriptedRedis } from './redis-connection.ts'
import { RedisFeed } from './redis-feed.ts'
import { redisNotices } from './redis-notices.ts'
import { RedisReader } from './redis-reader.ts'
import { coordinateOf, entryArguments, type Keys, keysUnder } from './redis-records.ts'

export interface RedisStoreOptions extends RedisConnectionOptions {
  /** Of all keys, for one server's store alone; with a hash tag (`dred:{…}:`), so that a cluster keeps them together. */
  prefix: string
}

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
  readonly #appended = new Listeners<[entry: Entry, place: Place | undefined]>()
  readonly #reconnected = new Listeners<[]>()
  #connection: RedisConnection | undefined
  /** Origins that this process counted, and those among them that an outage has ended. */
  readonly #counted = new Set<string>()
  readonly #ended = new Set<string>()

  constructor(options: RedisStoreOptions) {
    this.#options = options
    this.#keys = keysUnder(options.prefix)
    this.#reader = new RedisReader(this.#keys)
    this.notices = redisNotices(this.#keys.notices, (command) => this.#run(command))
    this.#feed = new RedisFeed(this.#keys, this.#reader, (entry, place) => this.#appended.emit(entry, place))
  }

  async connect(): Promise<void> {
    let first = true
    this.#connection = await RedisConnection.open(this.#options, {
      resume: async (redis) => {
        const last = Number(await redis.dredResume(this.#keys.prefix, `${this.#feed.position}`))
        if (first) this.#feed.begin(last)
        else await this.#feed.catchUp(redis, Math.max(last, this.#feed.position))
        first = false
      },
      resumed: () => this.#reconnected.emit(),
      lost: () => {
        for (const origin of this.#counted) this.#ended.add(origin)
        this.#counted.clear()
      },
    })
  }

  async append(entry: NewEntry, self: Parameters<Store['append']>[1], clock: number): Promise<AppendResult> {
    const origin = originOf(self)
    if (this.#ended.has(origin)) throw unavailable(`Incarnation ${origin} ended when Redis was out of reach`)
    this.#counted.add(origin)
    return this.#run(async (redis) => {
      const reply = await redis.dredAppend(this.#keys.prefix, ...entryArguments(entry, clock), origin)
      const [outcome, n, ...rest] = reply as [string, string, string, string]
      if (outcome === 'message_expired' || outcome === 'channel_expired') throw new DredError(outcome)
      if (outcome === 'known') return { created: false, coordinate: coordinateOf(rest[0], n), clock: Number(rest[1]) }
      const coordinate = coordinateOf(origin, n)
      await this.#logged(redis, { ...entry, coordinate, clock }, rest)
      return { created: true, coordinate, clock }
    })
  }

  async replicate(entry: OriginEntry): Promise<'stored' | 'known' | 'refused'> {
    const place = [originOf(entry.coordinate), `${entry.coordinate.n}`]
    return this.#run(async (redis) => {
      const reply = await redis.dredReplicate(this.#keys.prefix, ...place, ...replicateArguments(entry))
      const [outcome, ...rest] = reply as ['stored' | 'known' | 'refused'] | ['stored', string, string]
      if (rest.length === 2) await this.#logged(redis, entry as Entry, rest)
      return outcome
    })
  }

  async purge(now: number): Promise<number> {
    let total = 0
    for (;;) {
      const step = [now, PURGE_STEP, now - EXPIRED_MESSAGES_KEPT_MS, now - EXPIRED_CHANNEL_KEPT_MS].map(String)
      const [deleted, more] = (await this.#run((redis) => redis.dredPurge(this.#keys.prefix, ...step))) as [number, number]
      total += deleted
      if (!more) return total
    }
  }

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
  readonly purged: Store['purged'] = (channel) => this.#run((redis) => this.#reader.purged(redis, channel))
  readonly notices: Store['notices']

  onAppended(listener: (entry: Entry, place: Place | undefined) => void): () => void {
    return this.#appended.add(listener)
  }

  onReconnected(listener: () => void): () => void {
    return this.#reconnected.add(listener)
  }

  async ping(): Promise<void> {
    await this.#run((redis) => redis.ping())
  }

  async close(): Promise<void> {
    this.#connection?.close()
    this.#connection = undefined
  }

  async #run<T>(command: (redis: ScriptedRedis) => Promise<T>): Promise<T> {
    if (!this.#connection) throw unavailable('The store is closed')
    return this.#connection.run(command)
  }

  /** Announces an entry before its writer hears of it. */
  async #logged(redis: ScriptedRedis, entry: Entry, [at, upTo]: [position: string, watermark: string]): Promise<void> {
    const position: Position = Number(at)
    const place = entry.kind === 'message' ? { position, watermark: Number(upTo) } : undefined
    if (!this.#feed.offer({ position, entry, place })) await this.#feed.catchUp(redis, position)
  }
}

function replicateArguments(entry: OriginEntry): string[] {
  if (entry.kind === 'gone') return ['gone', `${entry.from}`]
  if (entry.kind === 'reference') return ['reference', entry.id]
  return entryArguments(entry, entry.clock)
}
