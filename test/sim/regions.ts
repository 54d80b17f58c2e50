import type { Random } from '@dred/protocol/testing/random'
import type { Scenario } from './scenario.ts'

/** One-way milliseconds between six regions, about half the round trips that cloud providers publish for these. */
const regions = ['us-east', 'us-west', 'eu-west', 'ap-southeast', 'ap-northeast', 'sa-east'] as const
const oneWay = [
  [4, 32, 36, 108, 78, 57],
  [32, 4, 68, 84, 53, 88],
  [36, 68, 4, 85, 105, 92],
  [108, 84, 85, 4, 35, 162],
  [78, 53, 105, 35, 4, 130],
  [57, 88, 92, 162, 130, 4],
] as const

/** Of which pairs of servers the way is how long. */
export interface Geography {
  /** One-way milliseconds; undefined where two servers never reach each other. */
  latencyMs(from: number, to: number): number | undefined
}

/**
 * Places the servers: in regions that the seed draws, every pair up to a fifth farther apart than its regions; or as the scenario's
 * matrix has it. Then makes some pairs slow or dead, never so many that the servers are not connected any more.
 * @param ids all servers that there will be
 */
export function geography(scenario: Scenario, ids: readonly number[], random: Random): Geography {
  const at = new Map(ids.map((id) => [id, random.below(regions.length)]))
  const ways = new Map<number, number>()
  const key = (from: number, to: number) => from * 1_024 + to
  const matrix = scenario.latency === 'regions' ? undefined : scenario.latency
  const pairs = ids.flatMap((a) => ids.filter((b) => b > a).map((b) => [a, b] as const))
  for (const [a, b] of pairs) {
    const farther = random.between(1, 1.2)
    const between = (from: number, to: number) =>
      matrix?.[from - 1]?.[to - 1] ?? (oneWay[at.get(from) ?? 0]?.[at.get(to) ?? 0] ?? 1) * farther
    const slow = random.chance(scenario.slowLinks) ? 4 : 1
    ways.set(key(a, b), between(a, b) * slow)
    ways.set(key(b, a), between(b, a) * slow)
  }
  for (const [a, b] of pairs) {
    if (!random.chance(scenario.deadLinks)) continue
    const both = [ways.get(key(a, b)) ?? 0, ways.get(key(b, a)) ?? 0] as const
    ways.delete(key(a, b))
    ways.delete(key(b, a))
    if (connected(ids, (from, to) => ways.has(key(from, to)))) continue
    ways.set(key(a, b), both[0])
    ways.set(key(b, a), both[1])
  }
  return { latencyMs: (from, to) => ways.get(key(from, to)) }
}

function connected(ids: readonly number[], linked: (from: number, to: number) => boolean): boolean {
  const reached = new Set(ids.slice(0, 1))
  for (const from of reached) for (const to of ids) if (linked(from, to)) reached.add(to)
  return reached.size === ids.length
}
