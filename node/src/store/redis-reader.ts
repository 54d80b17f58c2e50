import { type Origin, originOf, type VersionVector } from '@dred/protocol'
import type { ChainableCommander } from 'ioredis'
import { highestBelow, PASSED_OVER, withGoneRuns } from './entries.ts'
import type { ChannelState, Entry, LoggedMessage, OriginEntry, Position } from './port.ts'
import type { ScriptedRedis } from './redis-connection.ts'
import {
  channelStateOf,
  fieldsOf,
  genesisEntryOf,
  type Keys,
  loggedMessageOf,
  placeOf,
  type StreamItem,
  vectorOf,
} from './redis-records.ts'

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
    return vectorOf(await redis.hgetall(this.#keys.origins))
  }

  async readOrigin(redis: ScriptedRedis, range: Parameters<typeof withGoneRuns>[1], limit: number): Promise<OriginEntry[]> {
    const { server, incarnation, from, to } = range
    const origin: Origin = `${server}-${incarnation}`
    const last = Math.min(to, Number((await redis.hget(this.#keys.origins, origin)) ?? 0))
    if (last < from || limit < 1) return []
    const items = await redis.xrange(this.#keys.originLog(origin), `${from}-0`, `${last}-0`, 'COUNT', limit)
    const complete = items.length < limit
    const entries = await this.entries(
      redis,
      items.map(([, fields]) => fieldsOf(fields)['i'] ?? ''),
    )
    const kept = items.flatMap(([streamId, flat]): OriginEntry[] => {
      const { i: id = '', a: acceptedAt } = fieldsOf(flat)
      const first = entries.get(id)?.entry
      const coordinate = { server, incarnation, n: Number(streamId.split('-')[0]) }
      if (!first) return []
      if (acceptedAt === undefined) return [first]
      if (acceptedAt === '') return [{ kind: 'reference', coordinate, channel: first.channel, id }]
      return [{ ...first, coordinate, acceptedAt: Number(acceptedAt) }]
    })
    const readTo = complete ? last : Number(items.at(-1)?.[0].split('-')[0])
    return withGoneRuns(kept, { ...range, to: readTo }, limit)
  }

  /** What ids stand for, of those that are kept. */
  async entries(redis: ScriptedRedis, ids: readonly string[]): Promise<Map<string, { entry: Entry; position: Position | undefined }>> {
    if (ids.length === 0) return new Map()
    const places = (await redis.hmget(this.#keys.ids, ...ids)).map(placeOf)
    const replies = await pipelined(redis, (pipeline) => {
      for (const place of places) {
        if (place?.kind === 'message') pipeline.xrange(this.#keys.log(place.channel), place.position, place.position)
        else if (place) pipeline.hgetall(this.#keys.channel(place.channel))
      }
    })
    const found = new Map<string, { entry: Entry; position: Position | undefined }>()
    for (const [i, place] of places.entries()) {
      const reply = place && replies.shift()
      const id = ids[i] ?? ''
      if (place?.kind === 'message') {
        const [item] = reply as StreamItem[]
        if (item) found.set(id, loggedMessageOf(place.channel, item))
      } else if (place) {
        const entry = genesisEntryOf(place.channel, reply as Record<string, string>)
        if (entry) found.set(id, { entry, position: undefined })
      }
    }
    return found
  }

  async channel(redis: ScriptedRedis, id: string): Promise<ChannelState | undefined> {
    return (await this.#states(redis, [id]))[0]
  }

  async channels(redis: ScriptedRedis, after: string | undefined, limit: number): Promise<ChannelState[]> {
    if (limit < 1) return []
    const min = after === undefined ? '-' : `(${after}`
    return this.#states(redis, await redis.zrangebylex(this.#keys.channels, min, '+', 'LIMIT', 0, limit))
  }

  async readForward(
    redis: ScriptedRedis,
    { channel, seen }: { channel: string; seen: VersionVector },
    { limit, after = 0 }: { limit: number; after?: Position },
  ): Promise<LoggedMessage[]> {
    const origins = vectorOf(await redis.hgetall(this.#keys.vector(channel)))
    const behind = origins.origins.filter((origin) => origins.watermark(origin) > seen.watermark(origin))
    const find = async (last: Position = after, passed: Passed): Promise<Position | undefined> => {
      const found = await pipelined(redis, (pipeline) => {
        for (const origin of behind) {
          const n = Math.max(seen.watermark(origin), passed.get(origin) ?? 0)
          pipeline.xrange(this.#keys.counts(channel, origin), `${n + 1}-0`, '+', 'COUNT', 1)
        }
      })
      const positions = found.flatMap((items) => positionOf(items) ?? [])
      return positions.length === 0 ? undefined : Math.max(last + 1, Math.min(...positions))
    }
    const read = (from: Position): Promise<StreamItem[]> => redis.xrange(this.#keys.log(channel), from, '+', 'COUNT', limit)
    return take({ find, read, next: (last) => last + 1, wanted: (origin, n) => !seen.has(origin, n) }, { channel, limit })
  }

  async readBackward(
    redis: ScriptedRedis,
    { channel, within }: { channel: string; within: VersionVector | undefined },
    limit: number,
  ): Promise<LoggedMessage[]> {
    const data = within?.toData()
    const origins = data ? vectorOf(await redis.hgetall(this.#keys.vector(channel))).origins : []
    const find = async (last: Position = Number.MAX_SAFE_INTEGER, passed: Passed): Promise<Position | undefined> => {
      if (!data) return last
      const found = await pipelined(redis, (pipeline) => {
        for (const origin of origins) {
          const n = highestBelow(data[origin], passed.get(origin) ?? Number.MAX_SAFE_INTEGER)
          pipeline.xrevrange(this.#keys.counts(channel, origin), `${n}`, '-', 'COUNT', 1)
        }
      })
      const positions = found.flatMap((items) => positionOf(items) ?? [])
      return positions.length === 0 ? undefined : Math.min(last - 1, Math.max(...positions))
    }
    const read = (from: Position): Promise<StreamItem[]> => redis.xrevrange(this.#keys.log(channel), from, '-', 'COUNT', limit)
    const scan = { find, read, next: (last: Position) => last - 1, wanted: (origin: Origin, n: number) => within?.has(origin, n) ?? true }
    return (await take(scan, { channel, limit })).reverse()
  }

  async purged(redis: ScriptedRedis, channel: string): Promise<VersionVector> {
    const [purged, logged] = (await pipelined(redis, (pipeline) => {
      pipeline.hgetall(this.#keys.purged(channel)).hkeys(this.#keys.vector(channel))
    })) as [Record<string, string>, Origin[]]
    const vector = vectorOf(purged)
    const beyond = (await pipelined(redis, (pipeline) => {
      for (const origin of logged) pipeline.zrange(this.#keys.purgedBeyond(channel, origin), 0, '-1')
    })) as string[][]
    for (const [i, origin] of logged.entries()) for (const n of beyond[i] ?? []) vector.add(origin, Number(n))
    return vector
  }

  async #states(redis: ScriptedRedis, ids: readonly string[]): Promise<ChannelState[]> {
    const replies = await pipelined(redis, (pipeline) => {
      for (const id of ids) {
        pipeline.hgetall(this.#keys.channel(id)).hgetall(this.#keys.vector(id)).xlen(this.#keys.log(id))
      }
    })
    return ids.flatMap((id, i) => {
      const [hash, vector, messages] = replies.slice(3 * i) as [Record<string, string>, Record<string, string>, number]
      return channelStateOf(id, hash, { messages, vector: vectorOf(vector) }) ?? []
    })
  }
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

/** Of the first item of a channel's stream of one origin. */
function positionOf(items: unknown): Position | undefined {
  const [item] = items as StreamItem[]
  return item && Number(item[0].split('-')[1])
}

/** Last counts of origins that were looked at. */
type Passed = ReadonlyMap<Origin, number>

interface Scan {
  /** Where the next message may be that is wanted, after the last position read; undefined when there is none. */
  find: (last: Position | undefined, passed: Passed) => Promise<Position | undefined>
  /** A part of the log from a position on, in the direction of the scan, as long as the limit. */
  read: (from: Position) => Promise<StreamItem[]>
  next: (last: Position) => Position
  wanted: (origin: Origin, n: number) => boolean
}

/** Reads on until `limit` wanted messages are found or the log ends. */
async function take({ find, read, next, wanted }: Scan, { channel, limit }: { channel: string; limit: number }): Promise<LoggedMessage[]> {
  const messages: LoggedMessage[] = []
  const passed = new Map<Origin, number>()
  let last: Position | undefined
  for (let from = await find(last, passed); from !== undefined && messages.length < limit; ) {
    const items = await read(from)
    let over = 0
    for (const item of items) {
      const logged = loggedMessageOf(channel, item)
      const origin = originOf(logged.entry.coordinate)
      const { n } = logged.entry.coordinate
      last = logged.position
      passed.set(origin, n)
      over = wanted(origin, n) ? 0 : over + 1
      if (over === 0 && messages.length < limit) messages.push(logged)
    }
    if (last === undefined || items.length < limit) break
    from = over < Math.min(limit, PASSED_OVER) ? next(last) : await find(last, passed)
  }
  return messages
}
