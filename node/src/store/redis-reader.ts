import { type Origin, originOf, parseOrigin, type SignedGenesis, type VersionVector } from '@dred/protocol'
import type { OriginRange } from '@dred/protocol/relay'
import type { ChainableCommander } from 'ioredis'
import { ChannelScan } from './channel-scan.ts'
import { genesisOf, PASSED_OVER, withGoneRuns } from './entries.ts'
import type { ChannelQuery, ChannelState, ChannelStates, LoggedMessage, OriginEntry, Position, Store } from './port.ts'
import type { ScriptedRedis } from './redis-connection.ts'
import { countsAhead, latestUpTo, nextUncovered } from './redis-index.ts'
import {
  channelStateOf,
  fieldsOf,
  foundOf,
  genesisEntryOf,
  type Keys,
  type Logged,
  loggedMessageOf,
  type OriginCounts,
  originsOf,
  scoredOf,
  type StreamItem,
  vectorOf,
} from './redis-records.ts'

/** What `lua/origins.lua` gives of an origin. */
type OriginReply = [origin: Origin, upTo: string, kept: string, ...beyond: string[]]

/**
 * The reads of the port. Those of several round trips keep to what the first one found: the log only grows at its end, and what a
 * purge takes away in between is left out.
 */
export class RedisReader {
  readonly #keys: Keys

  constructor(keys: Keys) {
    this.#keys = keys
  }

  async vector(redis: ScriptedRedis): Promise<VersionVector> {
    const replies = (await redis.dredOrigins(this.#keys.prefix)) as OriginReply[]
    return vectorOf(replies.map(([origin, upTo, , ...beyond]) => [origin, upTo, ...beyond]))
  }

  async floors(redis: ScriptedRedis): Promise<Record<Origin, number>> {
    const floors: Record<Origin, number> = {}
    for (const [origin, upTo, kept] of (await redis.dredOrigins(this.#keys.prefix)) as OriginReply[]) {
      const floor = kept === '' ? Number(upTo) : Math.min(Number(upTo), Number(kept) - 1)
      if (floor > 0) floors[origin] = floor
    }
    return floors
  }

  async unknown(redis: ScriptedRedis, ids: readonly string[]): Promise<string[]> {
    if (ids.length === 0) return []
    const found = await redis.hmget(this.#keys.ids, ...ids)
    return ids.filter((_, i) => found[i] === null)
  }

  async readOrigin(redis: ScriptedRedis, range: OriginRange, limit: number): Promise<OriginEntry[]> {
    const { server, incarnation, from, to } = range
    if (to < from || limit < 1) return []
    const origin = originOf(range)
    // What is known first: an entry that comes after that is left out, and none is taken for gone.
    const [upTo, beyond, places] = (await pipelined(redis, (pipeline) => {
      pipeline.hget(this.#keys.state, origin).zrangebyscore(this.#keys.beyond(origin), from, to)
      pipeline.zrangebyscore(this.#keys.originLog(origin), from, to, 'WITHSCORES', 'LIMIT', 0, limit)
    })) as [string | null, string[], string[]]
    const items = scoredOf(places).map(({ member, score }) => ({ member: member.split('|'), n: score }))
    const entries = await this.entries(
      redis,
      items.map(({ member: [id = ''] }) => id),
    )
    const kept = items.flatMap(({ member: [id = '', , clock], n }): OriginEntry[] => {
      const first = entries.get(id)?.entry
      const coordinate = { server, incarnation, n }
      if (!first) return []
      if (clock === undefined) return [first]
      if (clock === '') return [{ kind: 'reference', coordinate, channel: first.channel, id }]
      return [{ ...first, coordinate, clock: Number(clock) }]
    })
    const readTo = items.length < limit ? to : (items.at(-1)?.n ?? to)
    return withGoneRuns(kept, [upTo ?? 0, ...beyond].map(Number), { range: { ...range, to: readTo }, limit })
  }

  /** What ids stand for, of those that are kept. */
  async entries(redis: ScriptedRedis, ids: readonly string[]): Promise<Map<string, Logged>> {
    if (ids.length === 0) return new Map()
    const places = (await redis.hmget(this.#keys.ids, ...ids)).map(foundOf)
    const replies = await pipelined(redis, (pipeline) => {
      for (const place of places) {
        if (place?.kind === 'message') pipeline.xrange(this.#keys.log(place.channel), place.position, place.position)
        else if (place) pipeline.hgetall(this.#keys.channel(place.channel))
      }
    })
    const found = new Map<string, Logged>()
    for (const [i, place] of places.entries()) {
      const reply = place && replies.shift()
      const id = ids[i] ?? ''
      if (place?.kind === 'message') {
        const [item] = reply as StreamItem[]
        if (!item) continue
        const { entry, position, watermark } = loggedMessageOf(place.channel, item)
        found.set(id, { entry, position, place: { position, watermark } })
      } else if (place) {
        const entry = genesisEntryOf(place.channel, reply as Record<string, string>)
        if (entry) found.set(id, { entry, position: place.position, place: undefined })
      }
    }
    return found
  }

  async channel(redis: ScriptedRedis, id: string): Promise<ChannelState | undefined> {
    const [hash, messages, vector] = (await redis.dredChannel(this.#keys.prefix, id)) as [string[], number, OriginCounts[]]
    return channelStateOf(id, fieldsOf(hash), { messages, vector: vectorOf(vector) })
  }

  async channels(redis: ScriptedRedis, after: string | undefined, query: ChannelQuery): Promise<ChannelStates> {
    const scan = new ChannelScan<{ id: string; genesis: SignedGenesis | undefined }>(query, after)
    const read = async () => {
      const min = scan.next === undefined ? '-' : `(${scan.next}`
      const ids = await redis.zrangebylex(this.#keys.channels, min, '+', 'LIMIT', 0, scan.batch)
      const replies = await pipelined(redis, (pipeline) => {
        for (const id of ids) pipeline.hmget(this.#keys.channel(id), 'b', 's')
      })
      return ids.map((id, i) => {
        const [canonical, sig] = replies[i] as [string | null, string | null]
        return { id, genesis: canonical === null || sig === null ? undefined : genesisOf(canonical, sig) }
      })
    }
    while (scan.offer(await read()));
    const states = await Promise.all(scan.found.map(({ id }) => this.channel(redis, id)))
    return { found: states.filter((state) => state !== undefined), next: scan.next }
  }

  async readForward(
    redis: ScriptedRedis,
    { channel, seen }: { channel: string; seen: VersionVector },
    { limit, after }: Parameters<Store['readForward']>[2],
  ): Promise<LoggedMessage[]> {
    const origins = originsOf(await redis.hkeys(this.#keys.channel(channel)))
    const read = seen.clone()
    const find = async (last: Position): Promise<Position | undefined> => {
      const found = await Promise.all(
        origins.map((origin) => nextUncovered(redis, this.#keys.counts(channel, origin), { origin, seen: read, last })),
      )
      return best(Math.min, found)
    }
    return take({
      from: after === undefined ? await find(0) : after + 1,
      read: (from) => redis.xrange(this.#keys.log(channel), from, '+', 'COUNT', limit),
      next: (last, far) => (far ? find(last) : last + 1),
      message: (item) => {
        const logged = loggedMessageOf(channel, item)
        const origin = originOf(logged.entry.coordinate)
        read.raise(origin, logged.watermark)
        return { logged, wanted: !seen.has(origin, logged.entry.coordinate.n) }
      },
      limit,
    })
  }

  async readBackward(
    redis: ScriptedRedis,
    { channel, within }: { channel: string; within: VersionVector },
    { limit, before }: Parameters<Store['readBackward']>[2],
  ): Promise<LoggedMessage[]> {
    let find: ((last: Position) => Promise<Position | undefined>) | undefined
    const messages = await take({
      from: (before ?? Number.MAX_SAFE_INTEGER) - 1,
      read: (from) => redis.xrevrange(this.#keys.log(channel), from, '-', 'COUNT', limit),
      next: async (last, far) => {
        if (!far) return last - 1
        find ??= await this.#latestWithin(redis, channel, within)
        return find(last)
      },
      message: (item) => {
        const logged = loggedMessageOf(channel, item)
        const { coordinate } = logged.entry
        return { logged, wanted: within.has(originOf(coordinate), coordinate.n) }
      },
      limit,
    })
    return messages.reverse()
  }

  async ahead(
    redis: ScriptedRedis,
    { channel, counts }: { channel: string; counts: Parameters<Store['ahead']>[1] },
    before: Position,
  ): Promise<Awaited<ReturnType<Store['ahead']>>> {
    const found = await Promise.all(
      Object.entries(counts).map(async ([origin, above]) => {
        const ahead = await countsAhead(redis, this.#keys.counts(channel, origin as Origin), { above, before })
        return ahead.map((n) => ({ ...parseOrigin(origin), n }))
      }),
    )
    return found.flat()
  }

  async controls(redis: ScriptedRedis, channel: string, options: Parameters<Store['controls']>[1]): Promise<LoggedMessage[]> {
    const { limit, after = 0 } = options
    const positions = await redis.zrangebyscore(this.#keys.controls(channel), `(${after}`, '+inf', 'LIMIT', 0, limit)
    const items = (await pipelined(redis, (pipeline) => {
      for (const position of positions) pipeline.xrange(this.#keys.log(channel), position, position)
    })) as StreamItem[][]
    return items.flat().map((item) => loggedMessageOf(channel, item))
  }

  async purged(redis: ScriptedRedis, channel: string): Promise<VersionVector> {
    return vectorOf((await redis.dredPurged(this.#keys.prefix, channel)) as OriginCounts[])
  }

  /** Finds the latest message before a position that a vector covers. */
  async #latestWithin(redis: ScriptedRedis, channel: string, within: VersionVector) {
    const origins = originsOf(await redis.hkeys(this.#keys.channel(channel))).map((origin) => {
      const [upTo, ...beyond] = within.counts(origin)
      return { key: this.#keys.counts(channel, origin), upTo, beyond }
    })
    const found = (await pipelined(redis, (pipeline) => {
      for (const { key, beyond } of origins) for (const n of beyond) pipeline.zrangebyscore(key, n, n)
    })) as string[][]
    const beyond = found.flat().map((place) => Number(place.split('|')[0]))
    return async (last: Position): Promise<Position | undefined> => {
      const covered = await Promise.all(origins.map(({ key, upTo }) => latestUpTo(redis, key, { upTo, last })))
      return best(Math.max, [...covered, ...beyond.filter((position) => position < last)])
    }
  }
}

function best(choose: typeof Math.min, positions: readonly (Position | undefined)[]): Position | undefined {
  const found = positions.filter((position) => position !== undefined)
  return found.length === 0 ? undefined : choose(...found)
}

/** Sends commands in one go. Their answers, in order. */
async function pipelined(redis: ScriptedRedis, build: (pipeline: ChainableCommander) => void): Promise<unknown[]> {
  const pipeline = redis.pipeline()
  build(pipeline)
  const results = (await pipeline.exec()) ?? []
  return results.map(([error, result]) => {
    if (error) throw error
    return result
  })
}

interface Scan {
  from: Position | undefined
  /** A part of the log from a position on, in the direction of the scan, as long as the limit. */
  read: (from: Position) => Promise<StreamItem[]>
  /** Where to read on; when the last ones were `far` from what is wanted, it is worth looking for that. */
  next: (last: Position, far: boolean) => Position | undefined | Promise<Position | undefined>
  message: (item: StreamItem) => { logged: LoggedMessage; wanted: boolean }
  limit: number
}

/** Reads on until `limit` wanted messages are found or the log ends. */
async function take({ from: first, read, next, message, limit }: Scan): Promise<LoggedMessage[]> {
  const messages: LoggedMessage[] = []
  for (let from = first; from !== undefined && messages.length < limit; ) {
    const items = await read(from)
    let over = 0
    let last = from
    for (const item of items) {
      const { logged, wanted } = message(item)
      last = logged.position
      over = wanted ? 0 : over + 1
      if (wanted && messages.length < limit) messages.push(logged)
    }
    if (items.length < limit) break
    from = await next(last, over >= Math.min(limit, PASSED_OVER))
  }
  return messages
}
