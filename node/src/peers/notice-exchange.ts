import { setTimeout as delay } from 'node:timers/promises'
import { type NoticeFrame, type Relay, relayLimits } from '@dred/protocol/relay'
import type { Notice, NoticeSpread } from '../notices/port.ts'
import type { Link } from './link.ts'
import type { Outlet } from './outlet.ts'
import type { PeerLinks } from './peer-links.ts'

export interface NoticeExchangeOptions {
  spread: NoticeSpread
  links: Pick<PeerLinks, 'all'>
  outlet: Outlet
  /** Asked who is linked to whom. */
  relay: Relay
  /** Milliseconds between two parts that are said again. */
  repeatMs: number
}

/** Characters of the notices of one frame: live messages wait behind it. */
const FRAME = 65_536
/** A link with so much queued is not given any: what it misses is said again. */
const QUEUED_BYTES = 262_144
/** While all is given to a new link: bytes that may be queued, and milliseconds between looks. */
const PACE = { bytes: 131_072, ms: 20 }

interface Fresh {
  notice: Notice
  from: number | undefined
}

/**
 * Spreads notices over the links. What clients of this server handed over goes to all peers at once; what a peer sent goes on to those that
 * this peer has no link to. What gets lost on the way is said again: in turn, a part to one peer at a time.
 */
export class NoticeExchange {
  readonly #options: NoticeExchangeOptions
  #fresh: Fresh[] = []
  #rotation: Iterator<Notice> | undefined
  #stops: (() => void)[] = []

  constructor(options: NoticeExchangeOptions) {
    this.#options = options
  }

  start(): void {
    const { spread, repeatMs } = this.#options
    const timer = setInterval(() => this.#repeat(), repeatMs).unref()
    this.#stops = [() => clearInterval(timer), spread.onNew((notice, from) => this.#announce({ notice, from }))]
  }

  stop(): void {
    for (const stop of this.#stops.splice(0)) stop()
  }

  heard(link: Link, { notices }: NoticeFrame): void {
    for (const { kind, text } of notices) this.#options.spread.heard(link.peer, kind, text)
  }

  /** Gives a new link all that holds, after what the relay says first. */
  async up(link: Link): Promise<void> {
    for (const frame of framesOf([...this.#options.spread.all()])) {
      do await delay(PACE.ms, undefined, { ref: false })
      while (link.connection.open && link.queuedBytes > PACE.bytes)
      if (!link.connection.open) return
      link.send(this.#options.outlet.encode(frame), 'live')
    }
  }

  /** All that is new in one turn goes together. */
  #announce(fresh: Fresh): void {
    if (this.#fresh.length === 0) setImmediate(() => this.#flush())
    this.#fresh.push(fresh)
  }

  #flush(): void {
    const { links, outlet, relay } = this.#options
    const linked = (one: number, other: number): boolean => relay.router.latencies.latencyMs(one, other) !== undefined
    const fresh = this.#fresh.splice(0)
    const own = framesOf(fresh.flatMap(({ notice, from }) => (from === undefined ? notice : []))).map((frame) => outlet.encode(frame))
    for (const link of links.all()) {
      if (link.queuedBytes > QUEUED_BYTES) continue
      for (const bytes of own) link.send(bytes, 'live')
      const { peer } = link
      const further = fresh.filter(({ from }) => from !== undefined && from !== peer && !linked(from, peer))
      for (const frame of framesOf(further.map(({ notice }) => notice))) link.send(outlet.encode(frame), 'live')
    }
  }

  #repeat(): void {
    const { links, outlet, spread } = this.#options
    const ready = links.all().filter(({ queuedBytes }) => queuedBytes < QUEUED_BYTES)
    const link = ready[Math.floor(Math.random() * ready.length)]
    if (!link) return
    this.#rotation ??= spread.all()[Symbol.iterator]()
    const part: Notice[] = []
    for (let characters = 0; characters < FRAME && part.length < relayLimits.notices; ) {
      const next = this.#rotation.next()
      if (next.done) {
        this.#rotation = undefined
        break
      }
      part.push(next.value)
      characters += next.value.text.length
    }
    for (const frame of framesOf(part)) link.send(outlet.encode(frame), 'live')
  }
}

function framesOf(notices: readonly Notice[]): NoticeFrame[] {
  const frames: { type: 'NOTICE'; notices: { kind: string; text: string }[] }[] = []
  let room = 0
  for (const { kind, text } of notices) {
    const last = frames.at(-1)
    room -= text.length
    if (last && room >= 0 && last.notices.length < relayLimits.notices) last.notices.push({ kind, text })
    else {
      frames.push({ type: 'NOTICE', notices: [{ kind, text }] })
      room = FRAME - text.length
    }
  }
  return frames
}
