import { readFile } from 'node:fs/promises'
import { DredError } from '@dred/protocol'
import { Redis } from 'ioredis'
import { unavailable } from './entries.ts'

type Script = (prefix: string, ...args: string[]) => Promise<unknown>
const SCRIPTS = ['append', 'replicate', 'purge', 'resume', 'origins', 'channel', 'purged'] as const
export type ScriptedRedis = Redis & Record<`dred${Capitalize<(typeof SCRIPTS)[number]>}`, Script>

/** Delay before an attempt to connect again, in milliseconds, and before another to resume on a connection that refused it. */
const RECONNECT_MS = { first: 20, most: 1_000 }
const DEFAULT_TIMEOUT_MS = 5_000

export interface RedisConnectionOptions {
  /** `redis://` or `rediss://` address, with credentials if need be. */
  url: string
  /** Milliseconds without an answer after which the connection counts as lost; default 5,000. */
  timeoutMs?: number
}

export interface ConnectionListener {
  /** Right after every connect, before any other command; until it resolves the store stays out of reach. */
  resume(redis: ScriptedRedis): Promise<void>
  /** Within reach again after it was lost; called synchronously before any command is let through. */
  resumed(): void
  lost(): void
}

/**
 * One connection to Redis that comes back by itself. Nothing waits for it: while it is away commands fail at once, and what was
 * on its way when it broke fails too and is never sent again.
 */
export class RedisConnection {
  readonly #redis: ScriptedRedis
  readonly #listener: ConnectionListener
  readonly #where: string
  #available = false
  #lastError: Error | undefined
  #connections = 0
  #retry: NodeJS.Timeout | undefined

  private constructor(redis: ScriptedRedis, where: string, listener: ConnectionListener) {
    this.#redis = redis
    this.#where = where
    this.#listener = listener
    redis.on('error', (error: Error) => {
      this.#lastError = error
    })
  }

  /** @throws DredError `store_unavailable` when Redis is not there now */
  static async open(
    { url, timeoutMs = DEFAULT_TIMEOUT_MS }: RedisConnectionOptions,
    listener: ConnectionListener,
  ): Promise<RedisConnection> {
    const redis = new Redis(url, {
      lazyConnect: true,
      protocol: 2,
      enableOfflineQueue: false,
      autoResendUnfulfilledCommands: false,
      maxRetriesPerRequest: 0,
      connectTimeout: timeoutMs,
      socketTimeout: timeoutMs,
      retryStrategy: (times) => Math.min(RECONNECT_MS.first * 2 ** Math.min(times, 10), RECONNECT_MS.most),
    })
    const scripts = new URL('../../src/store/lua/', import.meta.url)
    for (const name of SCRIPTS) {
      const lua = await scriptOf(name, scripts)
      redis.defineCommand(`dred${name.charAt(0).toUpperCase()}${name.slice(1)}`, { numberOfKeys: 1, lua })
    }
    const connection = new RedisConnection(redis as ScriptedRedis, whereOf(url), listener)
    await connection.#connect()
    return connection
  }

  /** @throws DredError `store_unavailable` at once while Redis is out of reach, and for every error that it answers; those of `command` */
  async run<T>(command: (redis: ScriptedRedis) => Promise<T>): Promise<T> {
    if (!this.#available || this.#redis.status !== 'ready') throw this.#unavailable(this.#lastError)
    try {
      return await command(this.#redis)
    } catch (error) {
      throw error instanceof DredError ? error : this.#unavailable(error)
    }
  }

  close(): void {
    this.#available = false
    clearTimeout(this.#retry)
    this.#redis.removeAllListeners('close')
    this.#redis.removeAllListeners('ready')
    this.#redis.disconnect()
  }

  async #connect(): Promise<void> {
    try {
      await this.#redis.connect()
      await this.#listener.resume(this.#redis)
      if (this.#redis.status !== 'ready') throw new Error('The connection was lost')
    } catch (error) {
      this.#redis.disconnect()
      throw this.#unavailable(this.#lastError ?? error)
    }
    this.#available = true
    this.#redis.on('close', () => this.#lose())
    this.#redis.on('ready', () => void this.#resume())
  }

  #lose(): void {
    this.#connections++
    clearTimeout(this.#retry)
    if (!this.#available) return
    this.#available = false
    this.#listener.lost()
  }

  async #resume(): Promise<void> {
    const connection = this.#connections
    try {
      await this.#listener.resume(this.#redis)
    } catch (error) {
      if (connection !== this.#connections) return
      // Connected, but it refuses: a replica, or out of memory.
      this.#lastError = error instanceof Error ? error : new Error(String(error))
      this.#retry = setTimeout(() => void this.#resume(), RECONNECT_MS.most)
      return
    }
    if (connection !== this.#connections) return
    this.#lastError = undefined
    this.#listener.resumed()
    this.#available = true
  }

  #unavailable(cause: unknown): Error {
    const why = cause instanceof Error ? `: ${cause.message}` : ''
    return unavailable(`Redis at ${this.#where} is out of reach${why}`, cause)
  }
}

/** A script with the files that it includes, each where it says so: what follows a `return` costs nothing until it is needed. */
async function scriptOf(name: string, folder: URL): Promise<string> {
  const lines = (await readFile(new URL(`${name}.lua`, folder), 'utf8')).split('\n')
  const parts = lines.map(async (line) => {
    const included = /^-- include (\w+)$/.exec(line)?.[1]
    return included === undefined ? line : scriptOf(included, folder)
  })
  return (await Promise.all(parts)).join('\n')
}

/** Host and port, without credentials. */
function whereOf(url: string): string {
  return URL.canParse(url) ? new URL(url).host || new URL(url).pathname : 'the configured address'
}
