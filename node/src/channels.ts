import {
  type ChannelDescription,
  type ChannelListQuery,
  type ControlName,
  DredError,
  decodeCursor,
  encodeCursor,
  type HistoryQuery,
  type MemberList,
  type MessagePage,
  type SignedGenesis,
  type StreamQuery,
  type VerifySignature,
  type VersionVector,
  verifyGenesis,
} from '@dred/protocol'
import { type Access, type Caller, nobody, type Verb } from './access/port.ts'
import type { RegistryView } from './chain/port.ts'
import { type ChannelTracker, channelExpiresAt, type TrackedChannel } from './channel-tracker.ts'
import { genesisEntry } from './entries.ts'
import type { Incarnation } from './incarnation.ts'
import { advance, deliveredJson, readBackward, readForward, stateBefore } from './log-reader.ts'
import type { ChannelMembers } from './members/channel-members.ts'
import type { Membership } from './membership.ts'
import { describe } from './retention/description.ts'
import { assertNotAhead, Publisher, type Published, type PublisherOptions } from './publisher.ts'
import type { RecentEntries } from './recent-entries.ts'
import type { Retention } from './retention/retention.ts'
import type { AppendResult, ChannelState, LoggedMessage, NewEntry, Store } from './store/port.ts'

const DEFAULT_PAGE_ITEMS = 100
/** Characters of messages on one page of history; a page ends early rather than growing beyond it by more than one message. */
const PAGE_CHARACTERS = 4_194_304

export interface ChannelsOptions extends Omit<PublisherOptions, 'append' | 'registry'> {
  registry: RegistryView
  membership: Membership
  incarnation: Incarnation
  recent: RecentEntries
  retention?: Retention
  /** The next time of this server's hybrid clock, in microseconds. */
  clock: () => number
}

/** A page of messages. */
export interface HistoryPage {
  /** How many. */
  items: number
  /** The text of a `MessagePage`. */
  json: string
}

/** Where a stream begins. */
export interface StreamStart {
  channel: TrackedChannel
  /** What its reader has. */
  seen: VersionVector
  /** Asks again whether its reader may read; missing where everybody may. @throws DredError why not */
  judge?: () => Promise<void>
}

/** What a relay server does with channels, without HTTP. Every method throws DredError with the code that the API answers. */
export class Channels {
  readonly #store: Store
  readonly #registry: RegistryView
  readonly #membership: Membership
  readonly #access: Access
  readonly #members: ChannelMembers
  readonly #tracker: ChannelTracker
  readonly #incarnation: Incarnation
  readonly #recent: RecentEntries
  readonly #retention: Retention | undefined
  readonly #now: () => number
  readonly #clock: () => number
  readonly #verify: VerifySignature | undefined
  readonly #publisher: Publisher

  constructor(options: ChannelsOptions) {
    this.#store = options.store
    this.#registry = options.registry
    this.#membership = options.membership
    this.#access = options.access
    this.#members = options.members
    this.#tracker = options.tracker
    this.#incarnation = options.incarnation
    this.#recent = options.recent
    this.#retention = options.retention
    this.#now = options.now
    this.#clock = options.clock
    this.#verify = options.verify
    const append = (entry: NewEntry) => this.#append(entry)
    this.#publisher = new Publisher({ ...options, append })
  }

  /**
   * Takes a message from a client.
   * @param body as parsed from JSON, not judged by anybody yet
   * @returns once the message is durable
   */
  async publish(id: string, body: unknown, caller: Caller = nobody): Promise<Published> {
    return this.#publisher.publish(await this.#activeChannel(id), body, caller)
  }

  /**
   * Takes messages in their order, each judged by itself.
   * @param bodies as parsed from JSON, not judged by anybody yet
   * @returns once what became of each is certain
   */
  async publishAll(id: string, bodies: readonly unknown[], caller: Caller = nobody): Promise<PromiseSettledResult<Published>[]> {
    return this.#publisher.publishAll(await this.#activeChannel(id), bodies, caller)
  }

  /**
   * Takes a message that changes who belongs to a channel.
   * @param body as parsed from JSON, not judged by anybody yet
   */
  async control(id: string, name: ControlName, body: unknown): Promise<Published> {
    return this.#publisher.control(await this.#activeChannel(id), name, body)
  }

  /** Who belongs to a channel, for those who may read it. */
  async members(id: string, caller: Caller = nobody): Promise<MemberList> {
    const channel = await this.use(id, 'read', caller)
    const { members, latestAt } = (await this.#members.of(channel)).membership
    const items = [...members].flatMap(([key, { role, since, by }]) =>
      role === 'left' ? [] : [{ key, role, since, ...(by === undefined ? {} : { by }) }],
    )
    return { items, latestAt }
  }

  /** Makes a channel known. `created` is false when it was. */
  async create(id: string, body: unknown): Promise<{ description: ChannelDescription; created: boolean }> {
    this.#membership.assertServing()
    const verified = await verifyGenesis(body, id, this.#verify)
    const now = this.#now()
    this.#assertSupported(verified.genesis)
    assertNotAhead(verified.genesis.createdAt, now)
    if (verified.genesis.createdAt + verified.genesis.idleMs <= now && !(await this.#store.channel(id))) {
      throw new DredError('channel_expired')
    }
    await this.#retention?.assertRoomFor(id)
    const { created } = await this.#append(genesisEntry(verified))
    return { description: await this.describe(id), created }
  }

  /** A channel that its caller, or who signed with a key, may read or write. */
  async use(id: string, verb: Verb, who: Caller & { key?: string }): Promise<TrackedChannel> {
    const channel = await this.#activeChannel(id)
    await this.#access.assert(channel, verb, who)
    return channel
  }

  async describe(id: string): Promise<ChannelDescription> {
    this.#membership.assertServing()
    const state = await this.#store.channel(id)
    if (!state) throw new DredError('unknown_channel')
    if (this.#isExpired(state)) throw new DredError('channel_expired')
    return describe(state, this.#retention)
  }

  /** A page of the channels that have not expired, in ascending order of id; it may be short where many had to be looked at. */
  async list({ neighborhood, q, cursor, limit = DEFAULT_PAGE_ITEMS }: ChannelListQuery): Promise<{
    items: ChannelDescription[]
    next: string | null
  }> {
    this.#membership.assertServing()
    this.#assertNeighborhood(neighborhood ?? this.#registry.neighborhood)
    if (cursor !== undefined && !/^[A-Za-z0-9_-]{43}$/.test(cursor)) throw new DredError('malformed_cursor')
    const { found, next = null } = await this.#store.channels(cursor, { limit, ...(q === undefined ? {} : { name: q }) })
    return { items: found.filter((state) => !this.#isExpired(state)).map((state) => describe(state, this.#retention)), next }
  }

  async history(id: string, { after, before, limit = DEFAULT_PAGE_ITEMS }: HistoryQuery, caller: Caller = nobody): Promise<HistoryPage> {
    if (after !== undefined && before !== undefined) {
      throw new DredError('malformed_request', { detail: 'after and before exclude each other' })
    }
    const channel = await this.use(id, 'read', caller)
    if (after !== undefined) return this.#pageAfter(id, decodeCursor(id, after), limit)
    return this.#pageBefore(id, before === undefined ? channel.vector.clone() : decodeCursor(id, before), limit)
  }

  /** Where a stream starts that is asked for in this way. */
  async startStream(id: string, { after, last, from }: StreamQuery, caller: Caller = nobody): Promise<StreamStart> {
    if ([after, last, from].filter((value) => value !== undefined).length > 1) {
      throw new DredError('malformed_request', { detail: 'after, last and from exclude each other' })
    }
    const channel = await this.#activeChannel(id)
    const judge = () => this.#access.assert(channel, 'read', caller)
    await judge()
    const start = { channel, ...(channel.genesis.access === 'open' ? {} : { judge }) }
    if (after !== undefined) {
      const seen = decodeCursor(id, after)
      await this.#assertKept(id, seen)
      return { ...start, seen }
    }
    if (from === 'start') return { ...start, seen: await this.#store.purged(id) }
    const vector = channel.vector.clone()
    if (!last) return { ...start, seen: vector }
    const messages: LoggedMessage[] = []
    for await (const message of readBackward(this.#store, id, vector)) {
      messages.unshift(message)
      if (messages.length === last) break
    }
    return { ...start, seen: await stateBefore(this.#store, vector, messages) }
  }

  async #pageAfter(id: string, seen: VersionVector, limit: number): Promise<HistoryPage> {
    const items: string[] = []
    const state = seen.clone()
    let characters = 0
    let more = false
    for await (const message of readForward(this.#store, id, seen)) {
      more = items.length === limit || characters >= PAGE_CHARACTERS
      if (more) break
      advance(state, message)
      items.push(deliveredJson(message.entry, encodeCursor(id, state)))
      characters += message.entry.canonical.length
    }
    await this.#assertKept(id, seen)
    const cursor = encodeCursor(id, state)
    return pageOf(items, { next: more ? cursor : null, cursor })
  }

  async #pageBefore(id: string, within: VersionVector, limit: number): Promise<HistoryPage> {
    const messages: LoggedMessage[] = []
    let characters = 0
    let more = false
    for await (const message of readBackward(this.#store, id, within)) {
      more = messages.length === limit || characters >= PAGE_CHARACTERS
      if (more) break
      messages.unshift(message)
      characters += message.entry.canonical.length
    }
    const start = await stateBefore(this.#store, within, messages)
    const state = start.clone()
    const items = messages.map((message) => {
      advance(state, message, within)
      return deliveredJson(message.entry, encodeCursor(id, state))
    })
    return pageOf(items, { next: more ? encodeCursor(id, start) : null, cursor: encodeCursor(id, within) })
  }

  async #append(entry: NewEntry): Promise<AppendResult> {
    const clock = this.#clock()
    const result = await this.#store.append(entry, this.#incarnation.self, clock)
    if (result.created) this.#recent.add(entry, clock)
    return result
  }

  async #activeChannel(id: string): Promise<TrackedChannel> {
    this.#membership.assertServing()
    const channel = await this.#tracker.get(id)
    if (!channel) throw new DredError('unknown_channel')
    if (this.#isExpired(channel)) throw new DredError('channel_expired')
    return channel
  }

  /** A cursor below what is kept is refused: what is gone would be missing without a word. */
  async #assertKept(id: string, seen: VersionVector): Promise<void> {
    const purged = await this.#store.purged(id)
    if (seen.covers(purged)) return
    const oldest = seen.clone()
    oldest.merge(purged)
    throw new DredError('cursor_expired', { oldest: encodeCursor(id, oldest) })
  }

  #assertNeighborhood(neighborhood: string): void {
    if (neighborhood === this.#registry.neighborhood) return
    throw new DredError('wrong_neighborhood', { detail: `This server is registered in neighborhood ${this.#registry.neighborhood}` })
  }

  #assertSupported(genesis: SignedGenesis): void {
    this.#assertNeighborhood(genesis.neighborhood)
    const { mode, gate } = genesis
    if (mode !== 'causal') {
      throw new DredError('channel_unsupported', { detail: 'This server serves channels of mode causal' })
    }
    if (gate && gate.chainId !== this.#registry.chainId) {
      throw new DredError('channel_unsupported', { detail: `This server reads balances on chain ${this.#registry.chainId} only` })
    }
    const { maxChannelLifetimeMs, maxChannelIdleMs, maxMessageBytes } = this.#registry.parameters
    const bounds: [name: string, value: number, max: number][] = [
      ['lifetimeMs', genesis.lifetimeMs, maxChannelLifetimeMs],
      ['idleMs', genesis.idleMs, maxChannelIdleMs],
      ['limits.messageBytes', genesis.limits.messageBytes, maxMessageBytes],
    ]
    for (const [name, value, max] of bounds) {
      if (value > max) throw new DredError('channel_unsupported', { detail: `${name} may be at most ${max} in this neighborhood` })
    }
  }

  #isExpired(channel: Pick<ChannelState, 'genesis' | 'lastActivityAt'>): boolean {
    return channelExpiresAt(channel) <= this.#now()
  }
}

function pageOf(items: string[], { next, cursor }: Pick<MessagePage, 'next' | 'cursor'>): HistoryPage {
  return { items: items.length, json: `{"items":[${items.join(',')}],"next":${JSON.stringify(next)},"cursor":"${cursor}"}` }
}
