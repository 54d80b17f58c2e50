// Masters killed under load, again and again: npm run test:redis-cluster -- [--rounds N] [--seed S] [--only Cluster|Sentinel]
import { parseArgs } from 'node:util'
import { startRedisCluster } from '../store/testing/redis-cluster.ts'
import { startRedisSentinels } from '../store/testing/redis-sentinels.ts'
import { failOver, faultsOf } from './redis-failover.ts'

const { values } = parseArgs({
  options: { rounds: { type: 'string', default: '10' }, seed: { type: 'string', default: '1' }, only: { type: 'string' } },
})

const groups = { Cluster: await startRedisCluster(), Sentinel: await startRedisSentinels() }
let failed = false
process.stdout.write(
  '| seed | Redis | replicas waited for | replica behind | acknowledged | 503 | outage ms | lost by Redis, stored again | faults |\n',
)
process.stdout.write('|---|---|---|---|---|---|---|---|---|\n')
for (let seed = Number(values.seed); seed < Number(values.seed) + Number(values.rounds); seed++) {
  for (const [name, group] of Object.entries(groups)) {
    if (values.only && name !== values.only) continue
    for (const replicas of [1, 0]) {
      const behind = seed % 2 === 0
      const report = await failOver(group, { seed, replicas, behind })
      const faults = faultsOf(report, replicas)
      failed ||= faults.length > 0
      const { acknowledged, refused, outageMs, offeredAgain } = report
      const cells = [
        seed,
        name,
        replicas,
        behind ? 'yes' : 'no',
        acknowledged,
        refused,
        outageMs,
        offeredAgain,
        faults.join(', ') || 'none',
      ]
      process.stdout.write(`| ${cells.join(' | ')} |\n`)
    }
  }
}
await Promise.all(Object.values(groups).map((group) => group.stop()))
process.exitCode = failed ? 1 : 0
