import { limits, type Origin, type VersionVector } from '@dred/protocol'
import type { Position } from './port.ts'
import type { ScriptedRedis } from './redis-connection.ts'
import { scoredOf } from './redis-records.ts'

/** A message of one origin in a channel's index by counts. */
interface Indexed {
  n: number
  position: Position
  /** Its origin's, right after it was logged: all counts up to there lie before it. */
  watermark: number
  /** The lowest position of this count and all higher ones. */
  first: Position
}

/** Messages read at once: one is enough where an origin's entries came in order. */
const PAGE = { first: 4, next: 256 }
/** Messages to look at before the log is simply read on. */
const MOST_LOOKED_AT = 2 * limits.vectorExceptions

/**
 * Looks in one origin's counts for the next message of the log that `seen` does not cover.
 * @returns a position after `last`, at or before that message; undefined when there is none
 */
export async function nextUncovered(
  redis: ScriptedRedis,
  key: string,
  { origin, seen, last }: { origin: Origin; seen: VersionVector; last: Position },
): Promise<Position | undefined> {
  let next: Position | undefined
  let looked = 0
  for await (const { n, position, first } of upward(redis, key, seen.watermark(origin))) {
    if (++looked > MOST_LOOKED_AT) return last + 1
    if (seen.has(origin, n)) continue
    if (position > last) next = Math.min(next ?? position, position)
    if (first > last) return Math.min(next ?? first, first)
  }
  return next
}

/** The position before `last` of the latest message of one origin with a count up to `upTo`. */
export async function latestUpTo(
  redis: ScriptedRedis,
  key: string,
  { upTo, last }: { upTo: number; last: Position },
): Promise<Position | undefined> {
  let latest: Position | undefined
  let before = 0
  for await (const { n, position, watermark } of downward(redis, key, upTo)) {
    if (n <= before) break
    if (position >= last) continue
    latest = Math.max(latest ?? position, position)
    before = Math.max(before, watermark)
  }
  return latest
}

/** The counts above one of those messages of an origin that were logged before a position. */
export async function countsAhead(
  redis: ScriptedRedis,
  key: string,
  { above, before }: { above: number; before: Position },
): Promise<number[]> {
  const counts: number[] = []
  for await (const { n, position, first } of upward(redis, key, above)) {
    if (first >= before) break
    if (position < before) counts.push(n)
  }
  return counts
}

async function* upward(redis: ScriptedRedis, key: string, above: number): AsyncGenerator<Indexed> {
  let count = PAGE.first
  for (let from = above; ; count = PAGE.next) {
    const page = indexed(await redis.zrangebyscore(key, `(${from}`, '+inf', 'WITHSCORES', 'LIMIT', 0, count))
    yield* page
    if (page.length < count) return
    from = page.at(-1)?.n ?? from
  }
}

async function* downward(redis: ScriptedRedis, key: string, upTo: number): AsyncGenerator<Indexed> {
  let count = PAGE.first
  for (let from = upTo; ; count = PAGE.next) {
    const page = indexed(await redis.zrevrangebyscore(key, from, '-inf', 'WITHSCORES', 'LIMIT', 0, count))
    yield* page
    if (page.length < count) return
    from = (page.at(-1)?.n ?? from) - 1
  }
}

function indexed(reply: readonly string[]): Indexed[] {
  return scoredOf(reply).map(({ member, score: n }) => {
    const [position = 0, watermark = n, first = position] = member.split('|').map(Number)
    return { n, position, watermark, first }
  })
}
