import {
  type Channel,
  type ChannelInfo as ListedChannel,
  type ConnectionState,
  createDredClient,
  type DredClient,
  DredClientError,
  memoryStorage,
  type Server,
  type Subscription,
} from '@dred/sdk'

/** How the page is connected. `offline`: this device has no network. */
export interface Connection {
  state: ConnectionState | 'offline'
  servers: Server[]
  /** What went wrong last, in words, while it is not yet right again. */
  problem: string | undefined
}

export interface ChannelInfo {
  id: string
  name: string
  /** Device key of the creator. */
  creator: string
  /** Unix milliseconds. */
  createdAt: number
}

export interface ReceivedMessage {
  id: string
  sender: string
  sentAt: number
  data: unknown
  /** Sent by this tab. */
  mine: boolean
  /** Not history: it came while the page was following. */
  live: boolean
}

export interface Follower {
  close(): void
}

export interface FollowOptions {
  /** How many of the newest messages to begin with. */
  recent: number
  message: (message: ReceivedMessage) => void
  /** Told the channel's name once a server has described it; empty when it has none. */
  opened: (name: string) => void
  /** Told in words why nothing can be had from the channel. */
  failed: (problem: string) => void
}

type Problem = { problem: string }

const CHANNELS_EVERY_MS = 3_000
const SERVERS_EVERY_MS = 500
/** A person who looks at a page wants to hear sooner that something is wrong than a program does. */
const REQUEST_DEADLINE_MS = 6_000

function inWords(error: unknown): string {
  if (!(error instanceof DredClientError)) return error instanceof Error ? error.message : String(error)
  const unknown = error.walk((cause) => cause instanceof DredClientError && cause.code === 'unknown_channel')
  if (unknown) return 'No server knows this channel. It may have expired, or its link is not complete.'
  if (error.code === 'discovery_unreachable') return 'Neither the discovery service nor a known server answers'
  return error.message
}

/**
 * The page's one Dred client. Its device key lives in memory: two tabs are two senders, as two people's are.
 */
export class Session {
  readonly #client: DredClient
  readonly #channels = new Map<string, Promise<Channel>>()
  readonly #subscriptions = new Set<Subscription>()
  readonly #listeners: ((connection: Connection) => void)[] = []
  #problem: string | undefined
  /** Whether the last question to the neighborhood was answered. */
  #reachable = true

  constructor(config: { neighborhood: string; discovery: string[] }) {
    this.#client = createDredClient({ ...config, storage: memoryStorage(), timing: { requestDeadlineMs: REQUEST_DEADLINE_MS } })
    this.#client.on('error', (error) => {
      this.#problem = inWords(error)
      this.#changed()
    })
    this.#client.on('state', ({ state }) => {
      if (state === 'connected') this.#problem = undefined
      this.#changed()
    })
    for (const event of ['online', 'offline']) addEventListener(event, () => this.#changed())
    // Which servers carry a subscription changes without a change of state.
    setInterval(() => this.#changed(), SERVERS_EVERY_MS)
  }

  /** Calls back now and with every change. */
  onConnection(listener: (connection: Connection) => void): void {
    this.#listeners.push(listener)
    listener(this.#connection())
  }

  /** Asks for the neighborhood's channels, again and again, until the returned function is called. */
  watchChannels(on: { found: (channels: ChannelInfo[]) => void; failed: (problem: string) => void }): () => void {
    const ending = new AbortController()
    const { signal } = ending
    let timer: ReturnType<typeof setTimeout> | undefined
    const ask = async (): Promise<void> => {
      try {
        const found = await this.#listChannels(signal)
        this.#reachable = true
        if (!signal.aborted) on.found(found)
      } catch (error) {
        if (!signal.aborted) {
          this.#reachable = false
          this.#problem = inWords(error)
          on.failed(this.#problem)
        }
      }
      if (!signal.aborted) timer = setTimeout(() => void ask(), CHANNELS_EVERY_MS)
    }
    void ask()
    return () => {
      ending.abort()
      clearTimeout(timer)
    }
  }

  /** @returns the new channel's id, or why there is none */
  async createChannel(name: string): Promise<{ id: string } | Problem> {
    try {
      const channel = await this.#client.channels.create({ name })
      this.#channels.set(channel.id, Promise.resolve(channel))
      return { id: channel.id }
    } catch (error) {
      return { problem: inWords(error) }
    }
  }

  /** @returns the message's id once a server has stored it, or why none has */
  async publish(id: string, data: unknown): Promise<{ id: string } | Problem> {
    try {
      const channel = await this.#channel(id)
      return { id: (await channel.publish(data)).id }
    } catch (error) {
      return { problem: inWords(error) }
    }
  }

  follow(id: string, { recent, message, opened, failed }: FollowOptions): Follower {
    const ending = new AbortController()
    const { signal } = ending
    const run = async (): Promise<void> => {
      const [channel, self] = await Promise.all([this.#channel(id), this.#client.sender()])
      if (signal.aborted) return
      opened(channel.name ?? '')
      let live = false
      const subscription = channel.subscribe({ last: recent, signal }, ({ id: messageId, sender, sentAt, data }) =>
        message({ id: messageId, sender, sentAt, data, mine: sender === self, live }),
      )
      subscription.on('caughtUp', () => {
        live = true
      })
      this.#subscriptions.add(subscription)
      const reason = await subscription.closed
      this.#subscriptions.delete(subscription)
      if (reason) throw reason
    }
    run().catch((error: unknown) => {
      if (!signal.aborted) failed(inWords(error))
    })
    return { close: () => ending.abort() }
  }

  async #listChannels(signal: AbortSignal): Promise<ChannelInfo[]> {
    const found: ListedChannel[] = []
    let cursor: string | undefined
    do {
      const page = await this.#client.channels.list({ limit: 500, signal, ...(cursor === undefined ? {} : { cursor }) })
      found.push(...page.items)
      cursor = page.next ?? undefined
    } while (cursor !== undefined)
    return found.map(({ id, name = '', genesis }) => ({ id, name, creator: genesis.key, createdAt: genesis.createdAt }))
  }

  /** A channel that could not be had is asked for again the next time. */
  #channel(id: string): Promise<Channel> {
    const known = this.#channels.get(id)
    if (known) return known
    const asked = this.#client.channels.get(id)
    this.#channels.set(id, asked)
    asked.catch(() => this.#channels.delete(id))
    return asked
  }

  #connection(): Connection {
    const servers = new Map<number, Server>()
    for (const subscription of this.#subscriptions) for (const server of subscription.servers) servers.set(server.id, server)
    const state = this.#state()
    return { state, servers: [...servers.values()].sort((a, b) => a.id - b.id), problem: this.#problem }
  }

  /** Without a channel to follow, only the last answer tells whether anybody can be reached. */
  #state(): Connection['state'] {
    if (!navigator.onLine) return 'offline'
    const { state } = this.#client
    return state === 'idle' && !this.#reachable ? 'suspended' : state
  }

  #changed(): void {
    const connection = this.#connection()
    for (const listener of this.#listeners) listener(connection)
  }
}
