import {
  type ChannelDescription,
  type ChannelListQuery,
  DredError,
  decodeCursor,
  encodeCursor,
  type HistoryQuery,
  limits,
  type MessagePage,
  originOf,
  type SignedGenesis,
  type StreamQuery,
  type VerifySignature,
  VersionVector,
  verifyGenesis,
  verifyMessage,
} from '@dred/protocol'
import { type Access, type Caller, nobody } from './access/port.ts'
import type { RegistryView } from './chain/port.ts'
import { type ChannelTracker, channelExpiresAt, type TrackedChannel } from './channel-tracker.ts'
import { genesisEntry, messageEntry } from './entries.ts'
import type { Incarnation } from './incarnation.ts'
import { advance, deliveredJson, readBackward, readForward, stateBefore } from './log-reader.ts'
import { type Allowances, unlimited } from './limits/port.ts'
import type { Membership } from './membership.ts'
import type { Accepted } from './receipts.ts'
import type { RecentEntries } from './recent-entries.ts'
import type { AppendResult, ChannelState, LoggedMessage, NewEntry, Store } from './store/port.ts'

const DEFAULT_PAGE_ITEMS = 100
/** Characters of messages on one page of history; a page ends early rather than growing beyond it by more than one message. */
const PAGE_CHARACTERS = 4_194_304

export interface ChannelsOptions {
  store: Store
  registry: RegistryView
  membership: Membership
  access: Access
  tracker: ChannelTracker
  incarnation: Incarnation
  recent: RecentEntries
  /** Unix milliseconds. */
  now: () => number
  /** The next time of this server's hybrid clock, in microseconds. */
  clock: () => number
  /** Waits until what a message follows is here, or for as long as it may wait for that; never rejects. */
  admit?: (missing: readonly string[]) => Promise<void>
  /** Verifies what clients sign; default WebCrypto. */
  verify?: VerifySignature | undefined
  /** What senders and channels may do; default: anything. */
  allowances?: Allowances
  /** Told of every message that is durable; `created` is false for one that was there. */
  onPublished: (created: boolean) => void
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
}

/** What a relay server does with channels, without HTTP. Every method throws DredError with the code that the API answers. */
export class Channels {
  readonly #store: Store
  readonly #registry: RegistryView
  readonly #membership: Membership
  readonly #access: Access
  readonly #tracker: ChannelTracker
  readonly #incarnation: Incarnation
  readonly #recent: RecentEntries
  readonly #now: () => number
  readonly #clock: () => number
  readonly #admit: ChannelsOptions['admit']
  readonly #verify: VerifySignature | undefined
  readonly #allowances: Allowances
  readonly #onPublished: (created: boolean) => void
  /** Messages that are being published, by how many calls, and the cursor right after each as soon as it is announced. */
  readonly #publishing = new Map<string, { calls: number; cursor?: string }>()

  constructor({
    store,
    registry,
    membership,
    access,
    tracker,
    incarnation,
    recent,
    now,
    clock,
    admit,
    verify,
    allowances = unlimited,
    onPublished,
  }: ChannelsOptions) {
    this.#store = store
    this.#registry = registry
    this.#membership = membership
    this.#access = access
    this.#tracker = tracker
    this.#incarnation = incarnation
    this.#recent = recent
    this.#now = now
    this.#clock = clock
    this.#admit = admit
    this.#verify = verify
    this.#allowances = allowances
    this.#onPublished = onPublished
    tracker.onMessage((channel, { entry }) => {
      const publishing = this.#publishing.get(entry.id)
      if (publishing) publishing.cursor = channel.cursor
    })
  }

  /**
   * Takes a message from a client.
   * @param body as parsed from JSON, not judged by anybody yet
   * @returns once the message is durable; `created` is false when it was there
   */
  async publish(id: string, body: unknown, caller: Caller = nobody): Promise<{ accepted: Accepted; cursor: string; created: boolean }> {
    const channel = await this.#activeChannel(id)
    const { genesis } = channel
    const maxBytes = Math.min(limits.messageBytes, genesis.limits.messageBytes, this.#registry.parameters.maxMessageBytes)
    const message = await verifyMessage(id, body, { maxBytes, verify: this.#verify })
    await this.#access.assert(channel, 'write', { ...caller, key: message.key })
    const now = this.#now()
    assertNotAhead(message.sentAt, now)
    if (message.sentAt + genesis.lifetimeMs <= now) throw new DredError('message_expired')
    const sent = {
      channel: id,
      device: message.key,
      wallet: caller.device === message.key ? caller.wallet : undefined,
      bytes: message.canonical.length,
    }
    await this.#allowances.sent(sent)
    const publishing = this.#publishing.get(message.id) ?? { calls: 0 }
    this.#publishing.set(message.id, publishing)
    publishing.calls++
    try {
      await this.#awaitPrevious(message.prev)
      const result = await this.#append(messageEntry(message, genesis.lifetimeMs))
      this.#onPublished(result.created)
      if (!result.created) this.#allowances.repeated(sent)
      const cursor = publishing.cursor ?? (await this.#cursorAfter(channel, result))
      const { created, coordinate, clock } = result
      return { accepted: { channel: id, id: message.id, ...coordinate, acceptedAt: Math.floor(clock / 1_000) }, cursor, created }
    } finally {
      if (--publishing.calls === 0) this.#publishing.delete(message.id)
    }
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
    const { created } = await this.#append(genesisEntry(verified))
    return { description: await this.describe(id), created }
  }

  async describe(id: string): Promise<ChannelDescription> {
    this.#membership.assertServing()
    const state = await this.#store.channel(id)
    if (!state) throw new DredError('unknown_channel')
    if (this.#isExpired(state)) throw new DredError('channel_expired')
    return describe(state)
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
    return { items: found.filter((state) => !this.#isExpired(state)).map(describe), next }
  }

  async history(id: string, { after, before, limit = DEFAULT_PAGE_ITEMS }: HistoryQuery, caller: Caller = nobody): Promise<HistoryPage> {
    if (after !== undefined && before !== undefined) {
      throw new DredError('malformed_request', { detail: 'after and before exclude each other' })
    }
    const channel = await this.#activeChannel(id)
    await this.#access.assert(channel, 'read', caller)
    if (after !== undefined) return this.#pageAfter(id, decodeCursor(id, after), limit)
    return this.#pageBefore(id, before === undefined ? channel.vector.clone() : decodeCursor(id, before), limit)
  }

  /** Where a stream starts that is asked for in this way. */
  async startStream(id: string, { after, last, from }: StreamQuery, caller: Caller = nobody): Promise<StreamStart> {
    if ([after, last, from].filter((value) => value !== undefined).length > 1) {
      throw new DredError('malformed_request', { detail: 'after, last and from exclude each other' })
    }
    const channel = await this.#activeChannel(id)
    await this.#access.assert(channel, 'read', caller)
    if (after !== undefined) {
      const seen = decodeCursor(id, after)
      await this.#assertKept(id, seen)
      return { channel, seen }
    }
    if (from === 'start') return { channel, seen: await this.#store.purged(id) }
    const vector = channel.vector.clone()
    if (!last) return { channel, seen: vector }
    const messages: LoggedMessage[] = []
    for await (const message of readBackward(this.#store, id, vector)) {
      messages.unshift(message)
      if (messages.length === last) break
    }
    return { channel, seen: await stateBefore(this.#store, vector, messages) }
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

  /** What a message follows is to be told to readers before it. */
  async #awaitPrevious(ids: readonly string[]): Promise<void> {
    if (!this.#admit || ids.length === 0) return
    const missing = await this.#store.unknown(ids)
    if (missing.length > 0) await this.#admit(missing)
  }

  /** Never covers a message that came after this one: a reader who goes on from here misses nothing. */
  async #cursorAfter({ id, vector }: TrackedChannel, { created, coordinate }: AppendResult): Promise<string> {
    const state = created ? vector.clone() : await this.#store.purged(id)
    const only = new VersionVector()
    only.add(originOf(coordinate), coordinate.n)
    const [message] = await this.#store.readBackward(id, only, { limit: 1 })
    if (message) advance(state, message)
    else state.add(originOf(coordinate), coordinate.n)
    return encodeCursor(id, state)
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
    const { mode, access, gate } = genesis
    if (mode !== 'causal' || access === 'members') {
      throw new DredError('channel_unsupported', { detail: 'This server serves channels of mode causal with access open or token' })
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

function assertNotAhead(date: number, now: number): void {
  if (date <= now + limits.clockSkewMs) return
  throw new DredError('clock_skew', { detail: `It is dated ${date - now} ms ahead of this server's clock` })
}

function describe(state: ChannelState): ChannelDescription {
  const { id, genesis, messages, vector } = state
  return { id, genesis, expiresAt: channelExpiresAt(state), messages, cursor: encodeCursor(id, vector) }
}

function pageOf(items: string[], { next, cursor }: Pick<MessagePage, 'next' | 'cursor'>): HistoryPage {
  return { items: items.length, json: `{"items":[${items.join(',')}],"next":${JSON.stringify(next)},"cursor":"${cursor}"}` }
}
