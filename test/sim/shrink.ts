import type { ScenarioFile } from './generate.ts'
import type { Fault } from './scenario.ts'

/**
 * Makes a failing scenario smaller, as long as it goes on failing.
 * @param fails whether a scenario fails in the same way
 * @param timeLeft false when it is to stop with what it has
 */
export function shrink(failing: ScenarioFile, fails: (scenario: ScenarioFile) => boolean, timeLeft: () => boolean): ScenarioFile {
  let smallest = failing
  for (let again = true; again && timeLeft(); ) {
    again = false
    for (const candidate of smaller(smallest)) {
      if (!timeLeft()) break
      if (!fails(candidate)) continue
      smallest = candidate
      again = true
      break
    }
  }
  return smallest
}

/** Scenarios that are a little simpler, the boldest ones first. */
function* smaller(scenario: ScenarioFile): Generator<ScenarioFile> {
  const { faults, servers, durationMs, messagesPerSecond } = scenario
  // What mends everything stays: without it nobody has to succeed.
  const breaking = faults.filter(({ type }) => type !== 'heal' && type !== 'restart')
  const mending = faults.filter(({ type }) => type === 'heal' || type === 'restart')
  const half = breaking.length >> 1
  if (half > 0) yield* [breaking.slice(0, half), breaking.slice(half)].map((kept) => ({ ...scenario, faults: [...kept, ...mending] }))
  for (let i = 0; i < breaking.length; i++) yield { ...scenario, faults: [...breaking.toSpliced(i, 1), ...mending] }
  for (const fewer of new Set([Math.ceil(servers / 2), servers - 1])) if (fewer >= 2 && fewer < servers) yield withServers(scenario, fewer)
  const { lifetimeMs, ...lasting } = scenario
  if (lifetimeMs) yield lasting
  for (const key of ['loss', 'delayedLoss', 'slowLinks', 'deadLinks', 'jitter'] as const)
    if (scenario[key] > 0) yield { ...scenario, [key]: 0 }
  if (messagesPerSecond > 1) yield { ...scenario, messagesPerSecond: Math.floor(messagesPerSecond / 2) }
  if (scenario.bodyBytes > 300) yield { ...scenario, bodyBytes: 300 }
  if (scenario.topology !== 'spt') yield { ...scenario, topology: 'spt' }
  if (durationMs > 1_000 && faults.every(({ atMs }) => atMs < durationMs / 2 || atMs === durationMs)) {
    const shorterMs = Math.round(durationMs / 2)
    const moved = faults.map((fault) => ({ ...fault, atMs: Math.min(fault.atMs, shorterMs) }))
    yield { ...scenario, durationMs: shorterMs, lossUntilMs: Math.min(scenario.lossUntilMs, shorterMs), faults: moved }
  }
  for (const [i, fault] of faults.entries()) {
    const list = Array.isArray(fault.servers) ? fault.servers : []
    if (list.length > 1)
      for (const id of list)
        yield { ...scenario, faults: faults.with(i, { ...fault, servers: list.filter((other) => other !== id) } as Fault) }
  }
}

/** Servers with higher ids are left out, and joining ones get the ids that follow. */
function withServers(scenario: ScenarioFile, servers: number): ScenarioFile {
  const shift = scenario.servers - servers
  const rename = (id: number) => (id > scenario.servers ? id - shift : id)
  const faults = scenario.faults.flatMap((fault): Fault[] => {
    if (fault.servers === undefined || typeof fault.servers === 'string') return [fault]
    const kept = fault.servers.filter((id) => id <= servers || id > scenario.servers).map(rename)
    return kept.length === 0 ? [] : [{ ...fault, servers: kept } as Fault]
  })
  return {
    ...scenario,
    servers,
    faults: faults.map((fault) => ('to' in fault && Array.isArray(fault.to) ? ({ ...fault, to: [1] } as Fault) : fault)),
  }
}
