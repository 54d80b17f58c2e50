import type { Caller } from '../access/port.ts'
import { type Bus, noBus } from '../processes/bus.ts'
import { Blocks } from './blocks.ts'
import { Buckets } from './buckets.ts'
import { type LimitsConfig, type Scope, scopes } from './config.ts'
import { PoolClient } from './pool-client.ts'
import type { Allowances, Sent, TokenPool } from './port.ts'
import type { BucketState } from './rate-limited.ts'

/** Bytes of a message or body that cost one token more. */
const BYTES_PER_TOKEN = 16_384

export interface LimiterOptions {
  limits: LimitsConfig
  /** Where the other processes of this server draw from. */
  pool?: TokenPool | undefined
  bus?: Bus | undefined
  /** Unix milliseconds. */
  now: () => number
}

/** All buckets of a server, and whom its operator has blocked. */
export class Limiter implements Allowances {
  readonly limits: LimitsConfig
  readonly blocks: Blocks
  readonly #buckets: Partial<Record<Scope, Buckets>> = {}

  constructor({ limits, pool, bus = noBus, now }: LimiterOptions) {
    this.limits = limits
    this.blocks = new Blocks({ bus, now })
    // The time of day can be set back, which would stop the refilling.
    const clock = (): number => performance.now()
    const client = pool && new PoolClient(pool, clock)
    for (const scope of scopes) {
      const rate = limits[scope]
      if (rate) this.#buckets[scope] = new Buckets({ scope, rate, pool: client, now: clock })
    }
  }

  /** Keys that are remembered, by scope. */
  get remembered(): Partial<Record<Scope, number>> {
    return Object.fromEntries(Object.entries(this.#buckets).map(([scope, buckets]) => [scope, buckets.size]))
  }

  sent({ channel, device, wallet, bytes }: Sent): void | Promise<void> {
    this.#assertFree({ device, wallet, channel })
    const cost = messageCost(bytes)
    const pending = wallet === undefined ? this.take('device', device, cost) : this.take('wallet', wallet, cost)
    return pending ? pending.then(() => this.take('channel', channel, cost)) : this.take('channel', channel, cost)
  }

  repeated({ channel, device, wallet, bytes }: Sent): void {
    const cost = messageCost(bytes)
    if (wallet === undefined) this.#buckets.device?.give(device, cost)
    else this.#buckets.wallet?.give(wallet, cost)
    this.#buckets.channel?.give(channel, cost)
  }

  /** Somebody who proved its key asks for something that is not a message. @throws RateLimited */
  asked({ device, wallet }: Pick<Caller, 'device' | 'wallet'>, cost: number): void | Promise<void> {
    this.#assertFree({ device, wallet, channel: undefined })
    if (wallet !== undefined) return this.take('wallet', wallet, cost)
    return device === undefined ? undefined : this.take('device', device, cost)
  }

  /** @throws RateLimited */
  take(scope: Scope, key: string, cost: number): void | Promise<void> {
    return this.#buckets[scope]?.take(key, cost)
  }

  /** An answer was made for an address: its bytes cost too, as many tokens as there are. */
  answered(key: string, bytes: number): void {
    if (bytes >= BYTES_PER_TOKEN) this.#buckets.address?.spend(key, bytes / BYTES_PER_TOKEN)
  }

  /** Undefined for a scope without limit. */
  state(scope: Scope, key: string): BucketState | undefined {
    return this.#buckets[scope]?.state(key)
  }

  stop(): void {
    this.blocks.stop()
  }

  #assertFree({ device, wallet, channel }: Record<'device' | 'wallet' | 'channel', string | undefined>): void {
    if (device !== undefined) this.blocks.assert('device', device)
    if (wallet !== undefined) this.blocks.assert('wallet', wallet)
    if (channel !== undefined) this.blocks.assert('channel', channel)
  }
}

function messageCost(bytes: number): number {
  return 1 + bytes / BYTES_PER_TOKEN
}

/** What a request costs its address: the work that it asks for, and its body. */
export function requestCost(work: number, bodyBytes: number): number {
  return work + bodyBytes / BYTES_PER_TOKEN
}
