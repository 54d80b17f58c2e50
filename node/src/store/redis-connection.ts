import { readFile } from 'node:fs/promises'
import { DredError } from '@dred/protocol'
import type { Redis } from 'ioredis'
import { storageFull, unavailable } from './entries.ts'
import { createClient, type RedisConnectionOptions, reconnectDelay, whereOf, writerOf } from './redis-client.ts'
import { examineRedis } from './redis-health.ts'
import type { Writer } from './redis-writer.ts'

type Script = (prefix: string, ...args: string[]) => Promise<unknown>
const SCRIPTS = [
  'append',
  'replicate',
  'purge',
  'cut',
  'resume',
  'origins',
  'channel',
  'purged',
  'tokens',
  'begin',
  'attend',
  'leave',
] as const
export type { RedisConnectionOptions }
export type ScriptedRedis = Redis & Record<`dred${Capitalize<(typeof SCRIPTS)[number]>}`, Script>

/** Milliseconds before another attempt to resume on a connection that refused it. */
const RESUME_AGAIN_MS = 1_000
/** Milliseconds between looks whether the connection still leads to the Redis that takes writes. */
const LOOK_EVERY_MS = 2_000
const REPLICA_TIMEOUT_MS = 2_000
/** Redis has no memory left, or no room for its files: what it has can be read. */
const NO_ROOM = /^(OOM|MISCONF)\b/

export interface ConnectionListener {
  /**
   * Right after every connect, before any other command; until it resolves the store stays out of reach. It has to write something:
   * a replica refuses that.
   * @param replicated resolves once the replicas have what was written until it is called
   */
  resume(redis: ScriptedRedis, replicated: () => Promise<void>): Promise<void>
  /** Within reach again after it was lost; called synchronously before any command is let through. */
  resumed(): void
  lost(): void
}

/**
 * One connection to the Redis that takes writes, which comes back by itself, also when that is another one then. Nothing waits for it:
 * while it is away commands fail at once, and what was on its way when it broke fails too and is never sent again. Whoever takes writes
 * later may lack what the one before had: every connect counts as that.
 */
export class RedisConnection {
  readonly #options: RedisConnectionOptions
  readonly #redis: ScriptedRedis
  readonly #listener: ConnectionListener
  readonly #writer: Writer | undefined
  #warning: string | undefined
  #available = false
  #lastError: Error | undefined
  #connections = 0
  /** Since the store was within reach. */
  #attempts = 0
  #retry: NodeJS.Timeout | undefined
  #look: NodeJS.Timeout | undefined
  /** The WAIT at the end of this turn of the event loop. */
  #replicated: Promise<void> | undefined

  private constructor(options: RedisConnectionOptions, listener: ConnectionListener) {
    this.#options = options
    this.#listener = listener
    this.#writer = writerOf(options)
    this.#redis = createClient(options, { retryStrategy: () => reconnectDelay(++this.#attempts) }, this.#writer) as ScriptedRedis
    this.#redis.on('error', (error: Error) => {
      this.#lastError = error
    })
  }

  /** @throws DredError `store_unavailable` when Redis is not there now */
  static async open(options: RedisConnectionOptions, listener: ConnectionListener): Promise<RedisConnection> {
    const connection = new RedisConnection(options, listener)
    const scripts = new URL('../../src/store/lua/', import.meta.url)
    for (const name of SCRIPTS) {
      const lua = await scriptOf(name, scripts)
      connection.#redis.defineCommand(`dred${name.charAt(0).toUpperCase()}${name.slice(1)}`, { numberOfKeys: 1, lua })
    }
    await connection.#connect()
    return connection
  }

  /**
   * @throws DredError `store_unavailable` at once while Redis is out of reach, and for every error that it answers, but `storage_full` when
   *   it has no room; those of `command`
   */
  async run<T>(command: (redis: ScriptedRedis) => Promise<T>): Promise<T> {
    if (!this.#available || this.#redis.status !== 'ready') throw this.#unavailable(this.#lastError)
    this.#sendTogether()
    try {
      return await command(this.#redis)
    } catch (error) {
      throw error instanceof DredError ? error : this.#unavailable(error)
    }
  }

  /**
   * As {@link run}, for what writes or tells of what others wrote: resolves once as many replicas as are configured have it. When they
   * do not get it in time, Redis counts as out of reach until they are back.
   * @param command sends what it writes before it first waits for anything
   */
  async write<T>(command: (redis: ScriptedRedis) => Promise<T>): Promise<T> {
    const result = this.run(command)
    if (!this.#options.replicas || !this.#available) return result
    const [value] = await Promise.all([result, this.#replicatedInTurn()])
    return value
  }

  /** What is sent in one turn goes out in one write. */
  #sendTogether(): void {
    const { stream } = this.#redis
    if (stream.writableCorked > 0) return
    stream.cork()
    process.nextTick(() => stream.uncork())
  }

  /** Gives the connection up as if it had broken, for a reason that others will be told. */
  reconnect(reason: string): void {
    if (!this.#available) return
    this.#lastError = new Error(reason)
    this.#lose()
    this.#redis.disconnect(true)
  }

  close(): void {
    this.#available = false
    clearTimeout(this.#retry)
    clearTimeout(this.#look)
    this.#redis.removeAllListeners('close')
    this.#redis.removeAllListeners('ready')
    this.#redis.disconnect()
  }

  async #connect(): Promise<void> {
    try {
      await this.#redis.connect()
      await this.#begin()
      if (this.#redis.status !== 'ready') throw new Error('The connection was lost')
    } catch (error) {
      this.#redis.disconnect()
      throw error instanceof DredError ? error : this.#unavailable(this.#lastError ?? error)
    }
    this.#redis.on('close', () => this.#lose())
    this.#redis.on('ready', () => void this.#resume())
    this.#comeWithinReach()
  }

  #lose(): void {
    this.#connections++
    clearTimeout(this.#retry)
    clearTimeout(this.#look)
    if (!this.#available) return
    this.#available = false
    this.#listener.lost()
  }

  async #resume(): Promise<void> {
    const connection = this.#connections
    try {
      await this.#begin()
    } catch (error) {
      if (connection !== this.#connections) return
      // Connected, but it refuses: out of memory, or without enough replicas.
      this.#lastError = error instanceof Error ? error : new Error(String(error))
      this.#retry = setTimeout(() => void this.#resume(), RESUME_AGAIN_MS)
      return
    }
    if (connection !== this.#connections) return
    this.#listener.resumed()
    this.#comeWithinReach()
  }

  async #begin(): Promise<void> {
    this.#warning = await examineRedis(this.#redis)
    await this.#listener.resume(this.#redis, () => this.#wait())
  }

  #comeWithinReach(): void {
    this.#lastError = undefined
    this.#attempts = 0
    this.#available = true
    if (this.#warning !== undefined) this.#options.log?.warn({ redis: whereOf(this.#options) }, this.#warning)
    this.#watch(this.#connections)
  }

  /** A master that was cut off from those who elect another one may still answer here: whether there is another is asked now and then. */
  #watch(connection: number): void {
    const writer = this.#writer
    if (!writer) return
    this.#look = setTimeout(() => void this.#lookFor(writer, connection), LOOK_EVERY_MS)
  }

  async #lookFor(writer: Writer, connection: number): Promise<void> {
    const found = await writer.moved().catch(() => undefined)
    if (connection !== this.#connections || !this.#available) return
    if (found) this.reconnect(`${found.host}:${found.port} takes writes now`)
    else this.#watch(connection)
  }

  /** One WAIT for all that is written in a turn of the event loop, right behind it. */
  #replicatedInTurn(): Promise<void> {
    const connection = this.#connections
    this.#replicated ??= new Promise<void>((resolve) => setImmediate(resolve)).then(() => {
      this.#replicated = undefined
      if (connection !== this.#connections) throw this.#unavailable(this.#lastError)
      return this.#wait()
    })
    return this.#replicated
  }

  /** @throws DredError `store_unavailable` */
  async #wait(): Promise<void> {
    const { replicas = 0, replicaTimeoutMs = REPLICA_TIMEOUT_MS } = this.#options
    if (replicas === 0) return
    const connection = this.#connections
    const have = await this.#redis.wait(replicas, replicaTimeoutMs).catch((error: unknown) => {
      throw this.#unavailable(error)
    })
    if (have >= replicas) return
    const reason = `${have} of ${replicas} replicas had it after ${replicaTimeoutMs} ms`
    if (connection === this.#connections) this.reconnect(reason)
    throw this.#unavailable(new Error(reason))
  }

  #unavailable(cause: unknown): Error {
    if (cause instanceof Error && NO_ROOM.test(cause.message))
      return storageFull(`Redis at ${whereOf(this.#options)}: ${cause.message}`, cause)
    const why = cause instanceof Error ? `: ${cause.message}` : ''
    return unavailable(`Redis at ${whereOf(this.#options)} is out of reach${why}`, cause)
  }
}

/** A script with the files that it includes, each where it says so: what follows a `return` costs nothing until it is needed. */
async function scriptOf(name: string, folder: URL): Promise<string> {
  const lines = (await readFile(new URL(`${name}.lua`, folder), 'utf8')).split('\n')
  const parts = lines.map(async (line) => {
    const included = /^ *-- include (\w+)$/.exec(line)?.[1]
    return included === undefined ? line : scriptOf(included, folder)
  })
  return (await Promise.all(parts)).join('\n')
}
