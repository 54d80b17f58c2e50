import type { Redis } from 'ioredis'
import { createClient, type RedisConnectionOptions } from './redis-client.ts'

export interface SubscriberListener {
  message(channel: string, payload: Buffer): void
  /** From now on nothing is missed, until it is called again. */
  subscribed(): void
}

/** A connection that only listens, and comes back by itself. */
export class RedisSubscriber {
  readonly #redis: Redis
  /** Resolves once it listens, or could not do so at first. */
  readonly attempted: Promise<void>

  constructor(options: RedisConnectionOptions, channels: () => readonly string[], listener: SubscriberListener) {
    this.#redis = createClient(options, { autoResubscribe: false })
    // Whoever uses the store hears of it from the other connection.
    this.#redis.on('error', () => undefined)
    this.#redis.on('smessageBuffer', (channel: Buffer, payload: Buffer) => listener.message(channel.toString(), payload))
    // The slot has moved, and with it the channels.
    this.#redis.on('sunsubscribe', () => this.reconnect())
    this.attempted = new Promise((resolve) => {
      this.#redis.on('ready', () => void this.#subscribe(channels(), listener).then(resolve))
      // Another attempt follows.
      this.#redis.connect().catch(resolve)
    })
  }

  reconnect(): void {
    this.#redis.disconnect(true)
  }

  close(): void {
    this.#redis.disconnect()
  }

  async #subscribe(channels: readonly string[], listener: SubscriberListener): Promise<void> {
    try {
      await this.#redis.ssubscribe(...channels)
      listener.subscribed()
    } catch {
      this.#redis.disconnect(true)
    }
  }
}
