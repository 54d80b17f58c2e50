import { type Channel, createDredClient, type DredClient, DredClientError, memoryStorage, type Subscription } from '@dred/sdk'
import { isPlayMessage, type PlayMessage } from './messages.ts'
import { ReceivedSteps } from './steps.ts'

export interface ClientOptions {
  neighborhood: string
  /** Base URLs of discovery services. */
  discovery: string[]
}

export interface JoinOptions {
  /** Name of each participant → device key that their messages must be signed with. */
  senders: ReadonlyMap<string, string>
  /** Called with each message of the play as often as the SDK delivers it. */
  received: (message: PlayMessage, id: string) => void
  signal: AbortSignal
}

/** A table where nothing has moved for so long is over: its channel expires. */
const IDLE_MS = 6 * 3_600_000
/** How long to wait for the second of two servers before going on with one. */
const SECOND_SERVER_MS = 10_000

/** One participant of a table: a Dred client with a device key of its own that finds its servers by discovery alone. */
export class TableClient {
  readonly name: string
  readonly steps = new ReceivedSteps()
  readonly #client: DredClient
  #channel: Channel | undefined

  constructor(name: string, { neighborhood, discovery }: ClientOptions) {
    this.name = name
    this.#client = createDredClient({ neighborhood, discovery, storage: memoryStorage(), servers: { min: 2, max: 3 } })
  }

  /** The device key's public half, base64url. */
  key(): Promise<string> {
    return this.#client.sender()
  }

  /** Creates a channel. @returns its id @throws DredClientError */
  async create(name: string, signal: AbortSignal): Promise<string> {
    const channel = await this.#client.channels.create({ name, idleMs: IDLE_MS, signal })
    return channel.id
  }

  /** Follows the channel from its beginning. Resolves when servers stream to this client. @throws DredClientError */
  async join(id: string, { senders, received, signal }: JoinOptions): Promise<void> {
    this.#channel = await this.#client.channels.get(id, { signal })
    const subscription = this.#channel.subscribe({ from: 'start' }, (message) => {
      const { data } = message
      // The channel is open: what others write into it is not of the play.
      if (!isPlayMessage(data) || senders.get(data.actor) !== message.sender) return
      received(data, message.id)
      this.steps.add(data.step)
    })
    await subscription.opened()
    await connected(subscription)
  }

  /** Publishes to the joined channel. @returns the message's id, once a server has stored it @throws DredClientError */
  async publish(message: PlayMessage, signal: AbortSignal): Promise<string> {
    if (!this.#channel) throw new DredClientError('unknown_channel', { detail: `${this.name} has not joined a channel` })
    const { id } = await this.#channel.publish(message, { signal })
    return id
  }

  close(): void {
    this.#client.close()
  }
}

/** Resolves with the second server, or without it after a while. */
async function connected(subscription: Subscription): Promise<void> {
  if (subscription.state === 'connected') return
  const { promise, resolve } = Promise.withResolvers<undefined>()
  const timer = setTimeout(resolve, SECOND_SERVER_MS)
  const stop = subscription.on('state', ({ state }) => {
    if (state !== 'degraded') resolve(undefined)
  })
  await promise
  stop()
  clearTimeout(timer)
}
