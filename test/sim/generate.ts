import { Random } from '@dred/protocol/testing/random'
import type { Fault } from './scenario.ts'

/** A scenario as a file has it. */
export interface ScenarioFile {
  name: string
  seed: number
  topology: 'spt' | 'star' | 'ring'
  servers: number
  durationMs: number
  drainMs: number
  messagesPerSecond: number
  bodyBytes: number
  jitter: number
  loss: number
  delayedLoss: number
  lossUntilMs: number
  slowLinks: number
  deadLinks: number
  lifetimeMs?: [number, number]
  faults: Fault[]
}

/** Everything is mended this long before the end. */
const DRAIN_MS = 40_000

/** Draws a scenario: servers, latencies, loss and faults; then all is mended, and there is time to converge. */
export function generate(seed: number): ScenarioFile {
  const random = new Random(seed)
  const servers = random.chance(0.1) ? 13 + random.below(12) : 2 + random.below(11)
  const durationMs = 4_000 + random.below(16_000)
  const scenario: ScenarioFile = {
    name: `swarm ${seed}`,
    seed,
    topology: random.pick(['spt', 'spt', 'spt', 'star', 'ring'] as const) ?? 'spt',
    servers,
    durationMs,
    drainMs: DRAIN_MS,
    messagesPerSecond: Math.ceil(random.exponential(12)),
    bodyBytes: random.chance(0.1) ? 20_000 : 300 + random.below(2_000),
    jitter: random.chance(0.5) ? 1 : random.below(30),
    loss: random.chance(0.5) ? 0 : random.next() * 0.4,
    delayedLoss: random.chance(0.5) ? 0 : random.next() * 0.2,
    lossUntilMs: durationMs,
    slowLinks: 0.05,
    deadLinks: random.chance(0.5) ? 0 : 0.1,
    faults: [],
  }
  if (random.chance(0.15)) scenario.lifetimeMs = [500 + random.below(5_000), 5_000 + random.below(100_000)]
  let joined = 0
  scenario.faults = Array.from({ length: random.below(8) }, () => drawFault(random, scenario, () => servers + ++joined))
  const ends: Fault[] = [
    { atMs: durationMs, type: 'heal' },
    { atMs: durationMs, type: 'restart' },
  ]
  scenario.faults = [...scenario.faults.sort((a, b) => a.atMs - b.atMs), ...ends]
  return scenario
}

function drawFault(random: Random, { servers: count, durationMs }: ScenarioFile, nextId: () => number): Fault {
  const all = Array.from({ length: count }, (_, i) => i + 1)
  const atMs = random.below(durationMs)
  const servers = random.sample(all, 1 + random.below(Math.max(1, Math.ceil(count / 2)))).sort((a, b) => a - b)
  const lasting = random.chance(0.7) ? { forMs: Math.ceil(random.exponential(4_000)) } : {}
  const hold = random.chance(0.3) ? { hold: true } : {}
  const only = random.chance(0.4) ? ({ only: 'store' } as const) : {}
  const draw: (() => Fault)[] = [
    () => ({ atMs, type: 'crash', servers, ...lasting, ...(random.chance(0.4) ? { silent: true } : {}), ...only }),
    () => ({ atMs, type: 'partition', servers, ...lasting, ...hold }),
    () => ({ atMs, type: 'oneway', servers, ...lasting, ...hold, ...(random.chance(0.5) ? { to: random.sample(all, 2) } : {}) }),
    () => ({
      atMs,
      type: 'slow',
      servers,
      ...lasting,
      ...(random.chance(0.3) ? { mbitPerSecond: 0.2 + random.next() } : { factor: 2 + random.below(30) }),
    }),
    () => ({ atMs, type: 'pause', servers, ...lasting }),
    () => ({ atMs, type: 'drop-relay', servers, ...lasting }),
    () => ({ atMs, type: 'clock-skew', servers, ...lasting, skewMs: random.below(40_000) - 20_000 }),
    () => ({ atMs, type: 'disk-loss', servers, ...lasting, lostMs: random.below(4_000), ...only }),
    () => ({ atMs, type: 'join', servers: [nextId()] }),
    () => ({ atMs, type: 'leave', servers: servers.slice(0, 1) }),
  ]
  return random.pick(draw)?.() ?? { atMs, type: 'heal' }
}
