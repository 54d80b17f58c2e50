import type { TokenGrant, TokenRequest } from '../limits/port.ts'
import type { ScriptedRedis } from './redis-connection.ts'

/** Draws from the buckets under a prefix, all in one step. See {@link TokenPool}. */
export async function takeTokens(redis: ScriptedRedis, prefix: string, requests: readonly TokenRequest[]): Promise<TokenGrant[]> {
  const args = requests.flatMap(({ name, least, want, burst, perSecond }) => [name, `${least}`, `${want}`, `${burst}`, `${perSecond}`])
  const reply = (await redis.dredTokens(prefix, ...args)) as string[]
  return requests.map((_, i) => ({ tokens: Number(reply[2 * i]), waitMs: Number(reply[2 * i + 1]) }))
}
