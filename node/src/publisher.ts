import {
  type ControlName,
  controlOf,
  DredError,
  encodeCursor,
  limits,
  originOf,
  type VerifiedMessage,
  type VerifySignature,
  VersionVector,
  verifyMessage,
} from '@dred/protocol'
import type { Access, Caller } from './access/port.ts'
import type { RegistryView } from './chain/port.ts'
import type { ChannelTracker, TrackedChannel } from './channel-tracker.ts'
import { messageEntry } from './entries.ts'
import { type Allowances, type Sent, unlimited } from './limits/port.ts'
import { advance } from './log-reader.ts'
import type { ChannelMembers } from './members/channel-members.ts'
import { judgeControl } from './members/judge-control.ts'
import type { Accepted } from './receipts.ts'
import type { AppendResult, NewEntry, Store } from './store/port.ts'

export interface PublisherOptions {
  store: Store
  registry: Pick<RegistryView, 'parameters'>
  access: Access
  members: ChannelMembers
  tracker: ChannelTracker
  /** Unix milliseconds. */
  now: () => number
  append: (entry: NewEntry) => Promise<AppendResult>
  /** Waits until what a message follows is here, or for as long as it may wait for that; never rejects. */
  admit?: ((missing: readonly string[]) => Promise<void>) | undefined
  /** Verifies what clients sign; default WebCrypto. */
  verify?: VerifySignature | undefined
  /** What senders and channels may do; default: anything. */
  allowances?: Allowances | undefined
  /** Told of every message that is durable; `created` is false for one that was there. `ms` since it came. */
  onPublished: (created: boolean, ms: number) => void
}

/** A message that is durable. */
export interface Published {
  accepted: Accepted
  /** Leads on from right after it. */
  cursor: string
  /** False when it was there. */
  created: boolean
}

interface Judged {
  message: VerifiedMessage
  sent: Sent
  /** When it came, by `performance.now()`. */
  since: number
}

/** Takes messages from clients. */
export class Publisher {
  readonly #options: PublisherOptions
  readonly #allowances: Allowances
  /** Messages that are being published, by how many calls, and the cursor right after each as soon as it is announced. */
  readonly #publishing = new Map<string, { calls: number; cursor?: string }>()

  constructor(options: PublisherOptions) {
    this.#options = options
    this.#allowances = options.allowances ?? unlimited
    options.tracker.onMessage((channel, { entry }) => {
      const publishing = this.#publishing.get(entry.id)
      if (publishing) publishing.cursor = channel.cursor
    })
  }

  /** @param body as parsed from JSON, not judged by anybody yet */
  async publish(channel: TrackedChannel, body: unknown, caller: Caller): Promise<Published> {
    return this.#take(channel, await this.#judge(channel, body, (message) => this.#assertMessage(channel, message, caller)))
  }

  /** @param body a control message as parsed from JSON, not judged by anybody yet */
  async control(channel: TrackedChannel, name: ControlName, body: unknown): Promise<Published> {
    return this.#take(channel, await this.#judge(channel, body, (message) => this.#assertControl(channel, name, message)))
  }

  /** Each by itself, those that pass in their order. A message may follow earlier ones. */
  async publishAll(channel: TrackedChannel, bodies: readonly unknown[], caller: Caller): Promise<PromiseSettledResult<Published>[]> {
    const verdicts = await Promise.allSettled(
      bodies.map((body) => this.#judge(channel, body, (message) => this.#assertMessage(channel, message, caller))),
    )
    const earlier = new Set<string>()
    let turn: Promise<unknown> = Promise.resolve()
    const publishing = verdicts.map((verdict) => {
      if (verdict.status === 'rejected') return Promise.reject(verdict.reason)
      const { message } = verdict.value
      const elsewhere = message.prev.filter((id) => !earlier.has(id))
      earlier.add(message.id)
      // All wait at the same time.
      const found = this.#awaitPrevious(elsewhere)
      found.catch(() => undefined)
      const ready = turn.then(() => found)
      turn = ready.catch(() => undefined)
      return ready.then(() => this.#store(channel, verdict.value))
    })
    return Promise.allSettled(publishing)
  }

  /**
   * Shape, size, signature, access and date of a message; takes what it costs from its sender.
   * @param assert whether it may be taken, and the wallet whose message it is
   */
  async #judge(
    channel: TrackedChannel,
    body: unknown,
    assert: (message: VerifiedMessage) => Promise<Pick<Sent, 'wallet'>>,
  ): Promise<Judged> {
    const { registry, verify } = this.#options
    const { id, genesis } = channel
    const since = performance.now()
    const maxBytes = Math.min(limits.messageBytes, genesis.limits.messageBytes, registry.parameters.maxMessageBytes)
    const message = await verifyMessage(id, body, { maxBytes, verify })
    assertNotAhead(message.sentAt, this.#options.now())
    const { wallet } = await assert(message)
    const sent = { channel: id, device: message.key, wallet, bytes: message.canonical.length }
    await this.#allowances.sent(sent)
    return { message, sent, since }
  }

  async #assertMessage(channel: TrackedChannel, message: VerifiedMessage, caller: Caller): Promise<Pick<Sent, 'wallet'>> {
    const { access, now } = this.#options
    if (message.control !== undefined) {
      throw new DredError('malformed_message', { detail: `What changes the membership goes to the address for ${message.control}` })
    }
    await access.assert(channel, 'write', { ...caller, key: message.key })
    if (message.sentAt + channel.genesis.lifetimeMs <= now()) throw new DredError('message_expired')
    return { wallet: caller.device === message.key ? caller.wallet : undefined }
  }

  async #assertControl(channel: TrackedChannel, name: ControlName, message: VerifiedMessage): Promise<Pick<Sent, 'wallet'>> {
    const { members, now } = this.#options
    if (channel.genesis.access !== 'members') {
      throw new DredError('channel_unsupported', { detail: 'Only channels with access members have members' })
    }
    const control = controlOf(message)
    if (control?.control !== name) throw new DredError('malformed_statement', { detail: `The message has to have control ${name}` })
    judgeControl(await members.of(channel), control, now())
    return { wallet: undefined }
  }

  async #take(channel: TrackedChannel, judged: Judged): Promise<Published> {
    await this.#awaitPrevious(judged.message.prev)
    return this.#store(channel, judged)
  }

  /** What a message follows is to be told to readers before it. */
  async #awaitPrevious(ids: readonly string[]): Promise<void> {
    const { admit, store } = this.#options
    if (!admit || ids.length === 0) return
    const missing = await store.unknown(ids)
    if (missing.length > 0) await admit(missing)
  }

  async #store(channel: TrackedChannel, { message, sent, since }: Judged): Promise<Published> {
    const publishing = this.#publishing.get(message.id) ?? { calls: 0 }
    this.#publishing.set(message.id, publishing)
    publishing.calls++
    try {
      const result = await this.#options.append(messageEntry(message, channel.genesis.lifetimeMs))
      this.#options.onPublished(result.created, performance.now() - since)
      if (!result.created) this.#allowances.repeated(sent)
      const cursor = publishing.cursor ?? (await this.#cursorAfter(channel, result))
      const { created, coordinate, clock } = result
      return { accepted: { channel: channel.id, id: message.id, ...coordinate, acceptedAt: Math.floor(clock / 1_000) }, cursor, created }
    } finally {
      if (--publishing.calls === 0) this.#publishing.delete(message.id)
    }
  }

  /** Never covers a message that came after this one: a reader who goes on from here misses nothing. */
  async #cursorAfter({ id, vector }: TrackedChannel, { created, coordinate }: AppendResult): Promise<string> {
    const { store } = this.#options
    const state = created ? vector.clone() : await store.purged(id)
    const only = new VersionVector()
    only.add(originOf(coordinate), coordinate.n)
    const [message] = await store.readBackward(id, only, { limit: 1 })
    if (message) advance(state, message)
    else state.add(originOf(coordinate), coordinate.n)
    return encodeCursor(id, state)
  }
}

/** @throws DredError `clock_skew` */
export function assertNotAhead(date: number, now: number): void {
  if (date <= now + limits.clockSkewMs) return
  throw new DredError('clock_skew', { detail: `It is dated ${date - now} ms ahead of this server's clock` })
}
