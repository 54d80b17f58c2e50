import {
  ChannelDescription,
  ChannelPage,
  type GenesisFields,
  routeUrl,
  type SignedGenesis,
  signGenesis,
  verifyGenesis,
} from '@dred/protocol'
import { tryServers } from './attempts.ts'
import { Channel } from './channel.ts'
import type { Context } from './context.ts'
import type { Server } from './discovery.ts'
import { DredClientError, toClientError } from './errors.ts'
import { putGenesis } from './genesis.ts'
import { withSignals } from './signals.ts'

/** What a creator decides. Times in milliseconds. */
export interface CreateOptions extends Pick<GenesisFields, 'name' | 'mode' | 'access' | 'gate' | 'lifetimeMs' | 'idleMs' | 'limits'> {
  signal?: AbortSignal
}

export interface ReadOptions {
  signal?: AbortSignal
  /** The channel's genesis, when it is known (from an invitation, say): then nothing is asked of a server. */
  genesis?: SignedGenesis
}

export interface ListOptions {
  /** `next` of the page before. */
  cursor?: string
  /** Channels on the page, 1 to 500. */
  limit?: number
  signal?: AbortSignal
}

export interface ChannelInfo {
  id: string
  name: string | undefined
  genesis: SignedGenesis
  /** Unix milliseconds at which it expires without another message. */
  expiresAt: number
  /** Messages that the server keeps now. */
  messages: number
}

export interface ChannelList {
  items: ChannelInfo[]
  /** Give it as `cursor` for the next page; null at the end. */
  next: string | null
}

const SALT_BYTES = 16
/** How long the other servers may take to store a new channel before the creator goes on. Milliseconds. */
const COPY_MS = 1_500

/** The channels of the client's neighborhood. */
export class Channels {
  readonly #context: Context

  constructor(context: Context) {
    this.#context = context
  }

  /**
   * Creates a channel on as many servers as the client may use at once; one that stores it is enough: see {@link Channel.storedBy}.
   * @throws DredClientError `malformed_genesis` for options out of bounds; as `tryServers`
   */
  async create<T = unknown>(options: CreateOptions = {}): Promise<Channel<T>> {
    const { signal, ...chosen } = options
    const { clock, neighborhood, signer, streams, timing } = this.#context
    const salt = crypto.getRandomValues(new Uint8Array(SALT_BYTES))
    const { id, genesis } = await signGenesis(await signer(), { ...chosen, neighborhood, createdAt: clock.now(), salt }).catch(
      (error: unknown) => {
        throw toClientError(error, 'malformed_genesis')
      },
    )
    const put = async (server: Server, limited: AbortSignal): Promise<Server> => {
      await putGenesis(this.#context, { server, id, genesis }, limited)
      return server
    }
    const first = await tryServers(this.#context, { signal, deadlineMs: timing.requestDeadlineMs }, put)
    const storedBy = [first, ...(await this.#copies(first, streams.max - 1, put))]
    return new Channel<T>(this.#context, { id, genesis, storedBy })
  }

  /** Gives it to more servers; who does not answer soon will learn of it from the others. */
  async #copies(first: Server, count: number, put: (server: Server, signal: AbortSignal) => Promise<Server>): Promise<Server[]> {
    const { clock, lifetime, pool, report } = this.#context
    const chosen = new Map([[first.id, first]])
    for (let server = pool.pick(new Set(chosen.keys())); server && chosen.size <= count; server = pool.pick(new Set(chosen.keys()))) {
      chosen.set(server.id, server)
    }
    chosen.delete(first.id)
    const copies = [...chosen.values()].map((server) =>
      withSignals({ signals: [lifetime], timeout: { clock, ms: COPY_MS } }, (limited) => put(server, limited)).catch((error: unknown) => {
        const reason = toClientError(error, 'network')
        pool.failed(server, reason)
        if (!lifetime.aborted) report(reason)
        return undefined
      }),
    )
    return (await Promise.all(copies)).filter((server) => server !== undefined)
  }

  /**
   * The channel of an id, once a server has shown its genesis and that hashes to the id.
   * @throws DredClientError `unknown_channel`, `channel_expired`, `genesis_mismatch`, `wrong_neighborhood`; as `tryServers`
   */
  async get<T = unknown>(id: string, { signal, genesis }: ReadOptions = {}): Promise<Channel<T>> {
    if (genesis) return this.#channel<T>(id, genesis)
    return tryServers(this.#context, { signal, deadlineMs: this.#context.timing.requestDeadlineMs }, async (server, limited) => {
      const description = await this.#context.http.json<ChannelDescription>(
        { url: routeUrl(server.endpoint, 'describeChannel', { params: { id } }), signal: limited },
        ChannelDescription,
      )
      try {
        return await this.#channel<T>(id, description.genesis)
      } catch (cause) {
        const error = toClientError(cause, 'invalid_response')
        if (error.code === 'wrong_neighborhood' || error.code === 'unsupported_environment') throw error
        // Another server may have the right one.
        this.#context.pool.distrust(server)
        throw new DredClientError('invalid_response', { cause, detail: 'The genesis is not that of the channel', server: server.endpoint })
      }
    })
  }

  /** Joins a channel by its id. Open channels ask for nothing but the genesis: this is {@link Channels.get}. */
  async join<T = unknown>(id: string, options: ReadOptions = {}): Promise<Channel<T>> {
    return this.get<T>(id, options)
  }

  async #channel<T>(id: string, genesis: SignedGenesis): Promise<Channel<T>> {
    await this.#verify(id, genesis)
    return new Channel<T>(this.#context, { id, genesis })
  }

  async #verify(id: string, body: SignedGenesis): Promise<void> {
    const { genesis } = await verifyGenesis(body, id).catch((error: unknown) => {
      throw toClientError(error, 'malformed_genesis')
    })
    if (genesis.neighborhood === this.#context.neighborhood) return
    throw new DredClientError('wrong_neighborhood', { detail: `The channel belongs to neighborhood ${genesis.neighborhood}` })
  }

  /** A page of the neighborhood's channels as one server knows them. @throws DredClientError as `tryServers` */
  async list({ cursor, limit, signal }: ListOptions = {}): Promise<ChannelList> {
    const { http, neighborhood, timing } = this.#context
    return tryServers(this.#context, { signal, deadlineMs: timing.requestDeadlineMs }, async (server, limited) => {
      const url = routeUrl(server.endpoint, 'listChannels', { query: { neighborhood, cursor, limit } })
      const page = await http.json<ChannelPage>({ url, signal: limited }, ChannelPage)
      const items = await Promise.all(page.items.map((item) => this.#info(item, server)))
      return { items: items.filter((item) => item !== undefined), next: page.next }
    })
  }

  async #info({ id, genesis, expiresAt, messages }: ChannelDescription, server: Server): Promise<ChannelInfo | undefined> {
    try {
      await this.#verify(id, genesis)
      return { id, name: genesis.name, genesis, expiresAt, messages }
    } catch (cause) {
      const error = toClientError(cause, 'invalid_response', { server: server.endpoint })
      if (error.code === 'unsupported_environment') throw error
      this.#context.pool.distrust(server)
      this.#context.report(error)
      return undefined
    }
  }
}
