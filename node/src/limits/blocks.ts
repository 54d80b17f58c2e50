import type { Bus } from '../processes/bus.ts'
import { RateLimited } from './rate-limited.ts'

/** Whom an operator shuts out for a while. */
export const blockable = ['address', 'device', 'wallet', 'channel'] as const
export type Blockable = (typeof blockable)[number]

export interface Block {
  kind: Blockable
  /** Address (IPv6: its /64, as `2001:db8:0:0::/64`), device key, wallet in lower case or channel id. */
  key: string
  /** Unix ms. */
  until: number
}

/** What a process tells the others: a block, one that ends at 0 to lift it, or that it is new and asks for all. */
const TOPIC = 'blocks'
const MAX_BLOCKS = 100_000

/** Who is shut out, the same in all processes of a server. Nothing is kept beyond the last of them. */
export class Blocks {
  readonly #bus: Bus
  readonly #now: () => number
  readonly #blocks = new Map<string, Block>()
  readonly #listeners: ((block: Block) => void)[] = []
  readonly stop: () => void

  /** @param now Unix milliseconds */
  constructor({ bus, now }: { bus: Bus; now: () => number }) {
    this.#bus = bus
    this.#now = now
    const stopHearing = bus.subscribe(TOPIC, (text) => this.#hear(text))
    const ask = (): void => bus.publish(TOPIC, '[]')
    const stopAsking = bus.onReturn?.(ask)
    this.stop = () => {
      stopHearing()
      stopAsking?.()
    }
    ask()
  }

  /** Calls a listener for every new block, also for those of other processes. */
  onBlock(listener: (block: Block) => void): void {
    this.#listeners.push(listener)
  }

  get list(): Block[] {
    this.#trim()
    return [...this.#blocks.values()]
  }

  /** Until 0 lifts it. @throws RateLimited when too many are blocked */
  set(block: Block): void {
    if (block.until > 0 && this.#blocks.size >= MAX_BLOCKS) this.#trim()
    if (block.until > 0 && this.#blocks.size >= MAX_BLOCKS) {
      throw new RateLimited(`At most ${MAX_BLOCKS} can be blocked`, { waitMs: 1_000, limit: 'blocked' })
    }
    this.#apply(block)
    this.#bus.publish(TOPIC, JSON.stringify([block]))
  }

  /** @throws RateLimited for who is blocked */
  assert(kind: Blockable, key: string): void {
    // Nobody is, as a rule.
    if (this.#blocks.size === 0) return
    const block = this.#blocks.get(`${kind}:${key}`)
    if (!block) return
    const left = block.until - this.#now()
    if (left <= 0) this.#blocks.delete(`${kind}:${key}`)
    else throw new RateLimited(`The operator of this server has blocked this ${kind}`, { waitMs: left, limit: 'blocked' })
  }

  #apply(block: Block): void {
    const name = `${block.kind}:${block.key}`
    if (block.until <= this.#now()) {
      this.#blocks.delete(name)
      return
    }
    if (this.#blocks.get(name)?.until === block.until) return
    this.#blocks.set(name, block)
    for (const listener of this.#listeners) listener(block)
  }

  /** From processes of this server: what they say holds. */
  #hear(text: string): void {
    const blocks = JSON.parse(text) as Block[]
    for (const block of blocks) this.#apply(block)
    if (blocks.length === 0 && this.list.length > 0) this.#bus.publish(TOPIC, JSON.stringify(this.list))
  }

  #trim(): void {
    for (const [name, { until }] of this.#blocks) if (until <= this.#now()) this.#blocks.delete(name)
  }
}
