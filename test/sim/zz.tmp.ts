import { simulate } from './simulation.ts'
import { parseScenario } from './scenario.ts'
import { protocolOf, type ProtocolName } from './protocols.ts'
const [, , name, n, extra = '{}'] = process.argv
const t = performance.now()
const { result } = simulate({
  seed: 1,
  protocol: protocolOf(name as ProtocolName),
  scenario: parseScenario({
    servers: Number(n),
    durationMs: 10000,
    drainMs: 5000,
    messagesPerSecond: 20,
    bodyBytes: 1024,
    slowLinks: 0.05,
    deadLinks: 0.03,
    ...JSON.parse(extra),
  }),
})
console.log(name, Math.round(performance.now() - t), 'ms', JSON.stringify(result.counters))
