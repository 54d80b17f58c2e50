import {
  DredError,
  type Presence as Lease,
  type PresenceEvent,
  type PresenceList,
  presenceEndsAt,
  type VerifySignature,
  type VerifiedPresence,
  verifyPresence,
  verifyPresenceText,
} from '@dred/protocol'
import type { Access } from '../access/port.ts'
import type { ChannelTracker } from '../channel-tracker.ts'
import { type Allowances, unlimited } from '../limits/port.ts'
import type { Notice, Notices } from '../notices/port.ts'
import { Listeners } from '../listeners.ts'

/** How far in the future a lease may be dated, at a client's server and where a server passes it on. */
const AHEAD_MS = { client: 30_000, peer: 60_000 }

export interface PresenceOptions {
  notices: Notices
  tracker: ChannelTracker
  /** Asked who may be present in channels of members. */
  access: Access
  /** Unix ms. */
  now: () => number
  verify?: VerifySignature | undefined
  allowances?: Allowances | undefined
}

type Present = PresenceList['items'][number]

/** Who is in which channel, by leases that devices sign and servers pass on to each other. */
export class Presence {
  readonly #options: PresenceOptions
  readonly #present = new Map<string, Map<string, Present>>()
  readonly #changed = new Listeners<[event: PresenceEvent]>()
  readonly #stop: () => void

  constructor(options: PresenceOptions) {
    this.#options = options
    options.notices.register('presence', (text) => this.#judge(text))
    this.#stop = options.notices.on('presence', (notice, ended) => this.#noticed(notice, ended))
  }

  /**
   * Takes a lease from a client.
   * @param body as parsed from JSON, not judged by anybody yet
   * @param assert whether who signed it may be in the channel
   * @returns Unix ms at which it ends
   * @throws DredError `malformed_statement`, `body_too_large`, `weak_key`, `invalid_signature`, `clock_skew`, `rate_limited`, `storage_full`;
   *   those of `assert`
   */
  async put(channel: string, body: unknown, assert: (key: string) => Promise<unknown>): Promise<number> {
    const { notices, now, verify, allowances = unlimited } = this.#options
    const verified = await verifyPresence(channel, body, verify)
    const { key, sentAt, ttlMs } = verified.presence
    await assert(key)
    if (sentAt > now() + AHEAD_MS.client) throw new DredError('clock_skew')
    if (sentAt + ttlMs <= now()) {
      throw new DredError('malformed_statement', {
        detail: `The lease is over: it is dated ${now() - sentAt} ms before this server's clock`,
      })
    }
    await allowances.sent({ channel, device: key, wallet: undefined, bytes: verified.text.length })
    await notices.take(noticeOf(verified))
    return sentAt + ttlMs
  }

  /** Leases that hold, in all channels. */
  get count(): number {
    let count = 0
    for (const keys of this.#present.values()) count += keys.size
    return count
  }

  list(channel: string): Present[] {
    const now = this.#options.now()
    return [...(this.#present.get(channel)?.values() ?? [])].filter(({ expiresAt }) => expiresAt > now)
  }

  /** @returns the way to stop it */
  onChange(listener: (event: PresenceEvent) => void): () => void {
    return this.#changed.add(listener)
  }

  stop(): void {
    this.#stop()
  }

  async #judge(text: string): Promise<Notice> {
    const { tracker, access, now, verify } = this.#options
    const verified = await verifyPresenceText(text, verify)
    const { key, sentAt } = verified.presence
    if (sentAt > now() + AHEAD_MS.peer) throw new DredError('clock_skew')
    const channel = await tracker.get(verified.channel)
    if (!channel) throw new DredError('unknown_channel')
    // Whether a capability was shown, the server that it was shown to has judged.
    if (channel.genesis.access === 'members') await access.assert(channel, 'write', { key })
    return noticeOf(verified)
  }

  #noticed(notice: Notice, ended: boolean): void {
    const { channel, ...lease } = JSON.parse(notice.text) as Lease & { channel: string }
    const { key, data, sentAt, ttlMs, gone } = lease
    const keys = this.#present.get(channel) ?? new Map<string, Present>()
    const before = keys.get(key)
    const expiresAt = sentAt + ttlMs
    if (ended || gone) {
      if (!keys.delete(key)) return
      if (keys.size === 0) this.#present.delete(channel)
      this.#changed.emit({ type: 'presence', channel, key, ...dataOf(before?.data), state: 'leave', expiresAt })
      return
    }
    keys.set(key, { key, ...dataOf(data), sentAt, expiresAt })
    this.#present.set(channel, keys)
    const same = before !== undefined && JSON.stringify(before.data) === JSON.stringify(data)
    if (!same) this.#changed.emit({ type: 'presence', channel, key, ...dataOf(data), state: before ? 'update' : 'enter', expiresAt })
  }
}

function dataOf(data: unknown): { data?: unknown } {
  return data === undefined ? {} : { data }
}

function noticeOf({ channel, presence, text }: VerifiedPresence): Notice {
  return { kind: 'presence', about: `${channel}/${presence.key}`, at: presence.sentAt, expiresAt: presenceEndsAt(presence), text }
}
