import { setTimeout as delay } from 'node:timers/promises'
import { generateDeviceKey, type Signer, signGenesis, signMessage, webCryptoSigner } from '@dred/protocol'
import { StreamReader } from '../../node/src/testing/stream-client.ts'

const PUBLISHERS = 16
/** Channels that are written to at a time; the oldest gives way to a new one, and its streams end. */
const CHANNELS = 8
const CHANNEL_EVERY_MS = 15_000
const STREAM_EVERY_MS = 2_000
/** How long messages are kept: short, so that there is something to purge. */
const LIFETIME_MS = 60_000
/** In which what was acknowledged has to be delivered at every server. */
const DELIVERY_MS = 20_000

interface Followed {
  id: string
  acknowledged: Set<string>
  /** One on each server. */
  streams: Follower[]
}

/** Follows a channel on one server, in one stream after another, each going on from where the one before was. */
class Follower {
  readonly received = new Set<string>()
  doubled = 0
  readonly #url: string
  #reader: StreamReader | undefined
  #read = 0
  #cursor: string

  constructor(url: string, channel: string) {
    this.#url = `${url}/channel/${channel}/stream`
    this.#cursor = `1.${channel.slice(0, 12)}.`
  }

  async open(): Promise<void> {
    this.#read = 0
    this.#reader = await StreamReader.open(`${this.#url}?after=${this.#cursor}`)
  }

  /** Counts what came since. */
  take(): void {
    const { messages } = this.#reader ?? { messages: [] }
    for (const { id, cursor } of messages.slice(this.#read)) {
      if (this.received.has(id)) this.doubled++
      this.received.add(id)
      this.#cursor = cursor
    }
    this.#read = messages.length
  }

  async reopen(): Promise<void> {
    this.#reader?.stop()
    await this.#reader?.ended
    this.take()
    await this.open()
  }

  async stop(): Promise<void> {
    this.#reader?.stop()
    await this.#reader?.ended
    this.take()
  }
}

/** Publishers and readers of a neighborhood, who know what has to arrive. */
export class Clients {
  readonly #urls: string[]
  readonly #signer: Signer
  readonly #channels: Followed[] = []
  #running: Promise<unknown>[] = []
  #stopping = false
  #lost = 0
  readonly counts = { published: 0, delivered: 0, doubled: 0, refused: 0, channels: 0 }

  private constructor(urls: string[], signer: Signer) {
    this.#urls = urls
    this.#signer = signer
  }

  static async start(urls: string[]): Promise<Clients> {
    const clients = new Clients(urls, await webCryptoSigner(await generateDeviceKey({ extractable: false })))
    for (let i = 0; i < CHANNELS; i++) await clients.#addChannel()
    return clients
  }

  /** Messages a second that are acknowledged when all publish as fast as they can. */
  async capacity(forMs: number): Promise<number> {
    const [before, endsAt] = [this.counts.published, performance.now() + forMs]
    const publisher = async (): Promise<void> => {
      while (performance.now() < endsAt) await this.#publish()
    }
    await Promise.all(Array.from({ length: PUBLISHERS }, publisher))
    return ((this.counts.published - before) * 1_000) / forMs
  }

  /** @param rate messages a second */
  run(rate: number): void {
    const everyMs = (PUBLISHERS * 1_000) / rate
    const repeat = async (ms: number, work: () => Promise<void>): Promise<void> => {
      while (!this.#stopping) {
        await Promise.all([delay(ms), work()])
      }
    }
    this.#running = [
      ...Array.from({ length: PUBLISHERS }, () => repeat(everyMs, () => this.#publish())),
      repeat(CHANNEL_EVERY_MS, () => this.#replaceChannel()),
      repeat(STREAM_EVERY_MS, () => this.#reopenOne()),
    ]
  }

  async stop(): Promise<{ lost: number; doubled: number }> {
    this.#stopping = true
    // What ends may have begun something.
    while (this.#running.length > 0) await Promise.all(this.#running.splice(0))
    for (const channel of this.#channels.splice(0)) await this.#retire(channel)
    return { lost: this.#lost, doubled: this.counts.doubled }
  }

  async #publish(): Promise<void> {
    const channel = this.#channels[Math.floor(Math.random() * this.#channels.length)]
    const url = this.#urls[Math.floor(Math.random() * this.#urls.length)]
    if (!channel) return
    const { id, signed } = await signMessage(this.#signer, channel.id, {
      message: 'x'.repeat(200),
      sentAt: Date.now(),
      nonce: crypto.randomUUID(),
    })
    const response = await post(`${url}/channel/${channel.id}`, { method: 'POST', body: signed })
    if (response === 201) {
      channel.acknowledged.add(id)
      this.counts.published++
    } else this.counts.refused++
  }

  async #addChannel(): Promise<void> {
    const salt = crypto.getRandomValues(new Uint8Array(16))
    const { id, genesis } = await signGenesis(this.#signer, {
      neighborhood: '1',
      createdAt: Date.now(),
      salt,
      lifetimeMs: LIFETIME_MS,
      idleMs: 2 * LIFETIME_MS,
    })
    for (const url of this.#urls) {
      const status = await post(`${url}/channel/${id}`, { method: 'PUT', body: genesis })
      if (status !== 200 && status !== 201) throw new Error(`Creating a channel was answered ${status}`)
    }
    const streams = this.#urls.map((url) => new Follower(url, id))
    for (const stream of streams) await stream.open()
    this.#channels.push({ id, acknowledged: new Set(), streams })
    this.counts.channels++
  }

  async #replaceChannel(): Promise<void> {
    await this.#addChannel()
    const oldest = this.#channels.shift()
    if (oldest) this.#running.push(this.#retire(oldest))
  }

  async #reopenOne(): Promise<void> {
    const channel = this.#channels[Math.floor(Math.random() * this.#channels.length)]
    await channel?.streams[Math.floor(Math.random() * channel.streams.length)]?.reopen()
  }

  /** Waits until all has arrived that was acknowledged, and counts what has not. */
  async #retire({ acknowledged, streams }: Followed): Promise<void> {
    const endsAt = performance.now() + DELIVERY_MS
    const isWhole = (): boolean => streams.every(({ received }) => [...acknowledged].every((id) => received.has(id)))
    do {
      await delay(500)
      for (const stream of streams) stream.take()
    } while (!isWhole() && performance.now() < endsAt)
    for (const stream of streams) {
      await stream.stop()
      this.counts.delivered += stream.received.size
      this.counts.doubled += stream.doubled
      this.#lost += [...acknowledged].filter((id) => !stream.received.has(id)).length
    }
  }
}

async function post(url: string, { method, body }: { method: string; body: unknown }): Promise<number> {
  const response = await fetch(url, { method, headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) })
  await response.arrayBuffer()
  return response.status
}
