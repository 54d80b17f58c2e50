import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { client, type RedisGroup, until, upToDate } from './redis-cluster.ts'
import { freePort } from '../../testing/free-port.ts'
import { launch, type RedisServer, startRedis } from './redis-server.ts'

export const NAME = 'dred'
const SENTINELS = 3

/** A master with replicas under three Sentinels. */
export async function startRedisSentinels({ replicas = 1, appendonly = true } = {}): Promise<RedisGroup> {
  const first = await startRedis({ appendonly, args: ['--repl-diskless-sync-delay', '0'] })
  const following = ['--replicaof', '127.0.0.1', `${first.port}`, '--repl-diskless-sync-delay', '0']
  const others = await Promise.all(Array.from({ length: replicas }, () => startRedis({ appendonly, args: following })))
  const servers = [first, ...others]
  const replicasOf = async (server: RedisServer, count: number): Promise<RedisServer[]> => {
    const redis = client(server)
    return upToDate(servers, redis, count).finally(() => redis.disconnect())
  }
  await replicasOf(first, replicas)
  const sentinels = await Promise.all(Array.from({ length: SENTINELS }, () => startSentinel(first.port)))
  const asked = sentinels.map(({ port }) => new Redis({ port, protocol: 2 }))
  for (const redis of asked) {
    await until(async () => {
      const known = ((await redis.call('SENTINEL', 'MASTER', NAME)) as string[]).join(' ')
      return known.includes(`num-slaves ${replicas}`) && known.includes(`num-other-sentinels ${SENTINELS - 1}`)
    })
  }

  const masterOf = async (_key?: string, but?: RedisServer): Promise<RedisServer> => {
    for (;;) {
      const words = await Promise.all(asked.map((redis) => redis.call('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', NAME)))
      const ports = (words as [string, string][]).map(([, port]) => Number(port))
      const port = ports.find((word) => ports.filter((other) => other === word).length > SENTINELS / 2)
      const found = servers.find((server) => server.port === port)
      if (found && found !== but) return found
      await delay(50)
    }
  }
  return {
    address: { sentinels: sentinels.map(({ port }) => `redis://127.0.0.1:${port}`), name: NAME },
    masterOf,
    replicasOf: async (_key, count) => replicasOf(await masterOf(), count),
    async stop() {
      for (const redis of asked) redis.disconnect()
      await Promise.all([...sentinels, ...servers].map((process) => process.stop()))
    },
  }
}

async function startSentinel(masterPort: number): Promise<{ port: number; stop(): Promise<void> }> {
  const dir = await mkdtemp(join(tmpdir(), 'dred-sentinel-'))
  const port = await freePort()
  const settings = [
    `port ${port}`,
    'bind 127.0.0.1',
    `dir ${dir}`,
    `sentinel monitor ${NAME} 127.0.0.1 ${masterPort} ${Math.floor(SENTINELS / 2) + 1}`,
    `sentinel down-after-milliseconds ${NAME} 1000`,
    `sentinel failover-timeout ${NAME} 5000`,
  ]
  const file = join(dir, 'sentinel.conf')
  await writeFile(file, `${settings.join('\n')}\n`)
  const child = await launch([file, '--sentinel'], '+monitor')
  return {
    port,
    async stop() {
      const exited = once(child, 'exit')
      child.kill('SIGTERM')
      await exited
      await rm(dir, { recursive: true, force: true })
    },
  }
}
