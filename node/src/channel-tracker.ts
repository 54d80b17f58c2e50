import { encodeCursor, originOf, type SignedGenesis, type VersionVector } from '@dred/protocol'
import { advance } from './log-reader.ts'
import type { ChannelState, Entry, LoggedMessage, Place, Store } from './store/port.ts'

/** A channel in use, as far as this process has been told of its log. */
export interface TrackedChannel {
  readonly id: string
  readonly genesis: SignedGenesis
  /** Unix ms: the latest `sentAt`, or `createdAt`. */
  lastActivityAt: number
  /** All that was logged up to the last announced message, and nothing that comes after it. */
  readonly vector: VersionVector
  /** `vector` as a cursor. */
  cursor: string
}

/** Called for each message of a tracked channel in log order; `channel` has counted it. */
export type MessageListener = (channel: TrackedChannel, message: LoggedMessage) => void

/** Unix ms at which a channel expires unless another message comes. */
export function channelExpiresAt({ genesis, lastActivityAt }: Pick<ChannelState, 'genesis' | 'lastActivityAt'>): number {
  return lastActivityAt + genesis.idleMs
}

interface Slot {
  loading: Promise<TrackedChannel | undefined>
  channel?: TrackedChannel
  /** Announced while the channel was being read from the store. */
  early: LoggedMessage[]
}

/**
 * Keeps the channels in use in memory, one read each, and follows the store's announcements: publishing needs no read, and all
 * subscribers of a channel share one vector.
 *
 * A message that a channel's vector covers already when it is announced was in the store when the channel was read. It is not
 * passed on: whoever uses the channel from then on finds it in the history.
 */
export class ChannelTracker {
  readonly #store: Store
  readonly #capacity: number
  readonly #slots = new Map<string, Slot>()
  readonly #listeners = new Set<MessageListener>()
  /** Whether a channel may not be dropped from memory. */
  readonly #pinned: (id: string) => boolean
  readonly #stop: () => void

  constructor(store: Store, options: { capacity: number; pinned: (id: string) => boolean }) {
    this.#store = store
    this.#capacity = options.capacity
    this.#pinned = options.pinned
    this.#stop = store.onAppended((entry, place) => this.#follow(entry, place))
  }

  /**
   * @returns undefined for a channel that the store does not know
   * @throws DredError `store_unavailable`
   */
  async get(id: string): Promise<TrackedChannel | undefined> {
    const known = this.#slots.get(id)
    if (known) {
      this.#slots.delete(id)
      this.#slots.set(id, known)
      return known.channel ?? known.loading
    }
    const slot: Slot = { loading: Promise.resolve(undefined), early: [] }
    this.#slots.set(id, slot)
    slot.loading = this.#load(id, slot)
    this.#evict()
    return slot.loading
  }

  /** Without waiting, when the channel is in memory. */
  peek(id: string): TrackedChannel | undefined {
    return this.#slots.get(id)?.channel
  }

  onMessage(listener: MessageListener): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Forgets everything: the store may not be what it was. */
  clear(): void {
    this.#slots.clear()
  }

  forget(id: string): void {
    this.#slots.delete(id)
  }

  close(): void {
    this.#stop()
    this.clear()
  }

  async #load(id: string, slot: Slot): Promise<TrackedChannel | undefined> {
    try {
      const state = await this.#store.channel(id)
      if (!state) {
        this.#drop(id, slot)
        return undefined
      }
      const channel: TrackedChannel = {
        id,
        genesis: state.genesis,
        lastActivityAt: state.lastActivityAt,
        vector: state.vector.clone(),
        cursor: encodeCursor(id, state.vector),
      }
      slot.channel = channel
      for (const message of slot.early.splice(0)) this.#count(channel, message)
      return channel
    } catch (error) {
      this.#drop(id, slot)
      throw error
    }
  }

  #drop(id: string, slot: Slot): void {
    if (this.#slots.get(id) === slot) this.#slots.delete(id)
  }

  #follow(entry: Entry, place: Place | undefined): void {
    if (entry.kind !== 'message' || !place) return
    const slot = this.#slots.get(entry.channel)
    if (!slot) return
    const message = { ...place, entry }
    if (!slot.channel) slot.early.push(message)
    else if (this.#count(slot.channel, message)) for (const listener of this.#listeners) listener(slot.channel, message)
  }

  #count(channel: TrackedChannel, message: LoggedMessage): boolean {
    const { coordinate, sentAt } = message.entry
    channel.lastActivityAt = Math.max(channel.lastActivityAt, sentAt)
    if (channel.vector.has(originOf(coordinate), coordinate.n)) return false
    advance(channel.vector, message)
    channel.cursor = encodeCursor(channel.id, channel.vector)
    return true
  }

  #evict(): void {
    for (const [id, { channel }] of this.#slots) {
      if (this.#slots.size <= this.#capacity) return
      if (channel && !this.#pinned(id)) this.#slots.delete(id)
    }
  }
}
