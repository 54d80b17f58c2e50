import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { Redis } from 'ioredis'
import { signMessage } from '@dred/protocol'
import { Neighborhood } from '../../peers/testing/neighborhood.ts'
import { keysUnder } from '../../store/redis-records.ts'
import { type RedisServer, startRedis } from '../../store/testing/redis-server.ts'
import { endWithProcess } from '../../testing/end-with-process.ts'
import type { NodeProcessOptions, NodeProcessReady } from './node-process.ts'

/** A process of server 2. */
export interface ServerProcess extends NodeProcessReady {
  child: ChildProcess
}

/** What a publisher was told. */
export interface Taken {
  id: string
  /** `<origin>-<n>` */
  coordinate: string
}

/** Three servers: 1 and 3 in this process; 2 as real processes on one Redis, of which 1 dials the one that {@link TwoProcesses.expose} names. */
export class TwoProcesses {
  readonly neighborhood: Neighborhood
  readonly redis: RedisServer
  readonly processes: ServerProcess[] = []
  readonly #admin: Redis

  private constructor(neighborhood: Neighborhood, redis: RedisServer) {
    this.neighborhood = neighborhood
    this.redis = redis
    this.#admin = new Redis(redis.url)
  }

  static async start(): Promise<TwoProcesses> {
    const two = new TwoProcesses(await Neighborhood.create(3), await startRedis())
    for (const id of [1, 3]) await two.cluster.server(id).start()
    await two.cluster.server(1).take(two.cluster.genesis)
    await two.add()
    await two.add()
    return two
  }

  get cluster() {
    return this.neighborhood.cluster
  }

  get channelUrl(): (one: ServerProcess) => string {
    return ({ url }) => `${url}/channel/${this.cluster.channel.id}`
  }

  async add(): Promise<ServerProcess> {
    const { cluster } = this
    const servers = [...cluster.registry.servers()]
    const options: NodeProcessOptions = { id: 2, servers, keyFile: cluster.keyFile(2), redis: this.redis.url }
    const script = fileURLToPath(new URL('node-process.ts', import.meta.url))
    const child = spawn(process.execPath, [script, JSON.stringify(options)], { stdio: ['ignore', 'pipe', 'inherit'] })
    endWithProcess(child)
    const ended = once(child, 'exit').then(([code]) => {
      throw new Error(`The process ended with ${code} before it was ready`)
    })
    const [line] = (await Promise.race([once(createInterface({ input: child.stdout }), 'line'), ended])) as [string]
    ended.catch(() => undefined)
    const one = { ...(JSON.parse(line) as NodeProcessReady), child }
    this.processes.push(one)
    return one
  }

  /** Makes a process the one at the registered endpoint of server 2. */
  expose({ url }: ServerProcess): void {
    const { registry } = this.cluster
    registry.set(registry.servers().map((server) => (server.id === 2 ? { ...server, endpoint: url } : server)))
  }

  /** The one that leads, once one that lives does, and the other one. */
  async roles(): Promise<{ leader: ServerProcess; follower: ServerProcess }> {
    for (;;) {
      const [name, until] = await this.#admin.hmget(`${keysUnder('dred:{two}:').prefix}lead`, 'process', 'until')
      const alive = this.processes.filter(({ child }) => child.exitCode === null && child.signalCode === null)
      const leader = alive.find(({ process }) => process === name && Number(until) > Date.now())
      if (leader) return { leader, follower: alive.find((one) => one !== leader) ?? leader }
      await delay(20)
    }
  }

  async kill({ child }: ServerProcess): Promise<void> {
    const exited = once(child, 'exit')
    child.kill('SIGKILL')
    await exited
  }

  /** Publishes as a client does that has both addresses: the same message again, and elsewhere, until it is acknowledged. */
  async publish(text: string, at: readonly ServerProcess[], query = ''): Promise<Taken & { stored: number }> {
    const { signer, channel } = this.cluster
    const { id, signed } = await signMessage(signer, channel.id, { message: text, sentAt: Date.now() })
    const init = { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(signed) }
    for (let attempt = 0; ; attempt++) {
      const one = at[attempt % at.length]
      if (!one) throw new Error('Nowhere to publish')
      try {
        const response = await fetch(this.channelUrl(one) + query, init)
        const body = (await response.json()) as { receipt?: Record<string, number>; code?: string }
        const { server, incarnation, n, stored = 0 } = body.receipt ?? {}
        if (response.ok) return { id, coordinate: `${server}-${incarnation}-${n}`, stored }
        if (response.status !== 503) throw new TypeError(`${response.status} ${body.code}`)
      } catch (error) {
        // Refused or broken off: `fetch` says no more than that.
        if (error instanceof TypeError && error.message !== 'fetch failed' && error.message !== 'terminated') throw error
      }
      await delay(20)
    }
  }

  async close(): Promise<void> {
    for (const { child } of this.processes) child.kill('SIGKILL')
    this.#admin.disconnect()
    await this.neighborhood.close()
    await this.redis.stop()
  }
}
