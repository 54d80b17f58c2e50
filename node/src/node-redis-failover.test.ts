import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type RedisGroup, startRedisCluster } from './store/testing/redis-cluster.ts'
import { failOver, faultsOf } from './testing/redis-failover.ts'

describe('nothing acknowledged is lost when a Cluster’s master dies under load, its replica behind', { timeout: 60_000 }, () => {
  let cluster: RedisGroup
  beforeAll(async () => {
    cluster = await startRedisCluster()
  }, 30_000)
  afterAll(() => cluster.stop())

  it('where a replica is waited for', async () => {
    const report = await failOver(cluster, { seed: 1, replicas: 1, behind: true })
    expect(faultsOf(report, 1)).toEqual([])
    expect(report.acknowledged).toBeGreaterThan(100)
    expect(report.refused).toBeGreaterThan(0)
  })

  it('where none is: the server stores again what Redis lost', async () => {
    const report = await failOver(cluster, { seed: 2, replicas: 0, behind: true })
    expect(faultsOf(report, 0)).toEqual([])
    expect(report.offeredAgain).toBeGreaterThan(0)
    expect(report.refused).toBeGreaterThan(0)
  })
})
