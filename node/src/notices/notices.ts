import { DredError, limits } from '@dred/protocol'
import { relayLimits } from '@dred/protocol/relay'
import type { Log } from '../log.ts'
import type { Bus } from '../processes/bus.ts'
import { Listeners } from '../listeners.ts'
import type { Store } from '../store/port.ts'
import { Board, type Posted } from './board.ts'
import { Intake } from './intake.ts'
import type { Notice, NoticeJudge, NoticeKind, Notices, NoticeSpread } from './port.ts'
import { Processes } from './processes.ts'
import { ownClients, roomLimits, type Source } from './room.ts'
import { Saved } from './saved.ts'

export interface NoticesOptions {
  store: Pick<Store, 'notices' | 'onReconnected'>
  bus: Bus
  /** Unix ms. */
  now: () => number
  log?: Log
  /** Milliseconds between looks at what has ended. */
  expireEveryMs?: number
}

export interface NoticeStatistics {
  held: number
  /** Since the start: notices that were new, and those that came to nothing: unknown kinds, what does not hold, what found no room. */
  taken: number
  dropped: number
}

const EXPIRE_EVERY_MS = 250
/** Nothing holds for longer. */
const LONGEST_MS = 32 * 86_400_000
/** Kinds that outlive the process. */
const kept: ReadonlySet<NoticeKind> = new Set<NoticeKind>(['revocation'])

/** The notices that hold at this server: bounded in memory, the same at all its processes, and what has to be kept kept. */
export class ServerNotices implements Notices, NoticeSpread {
  readonly #options: NoticesOptions
  readonly #board: Board
  readonly #intake: Intake
  readonly #processes: Processes
  readonly #saved: Saved
  readonly #judges = new Map<string, NoticeJudge>()
  readonly #listeners = new Map<NoticeKind, Listeners<[notice: Notice, ended: boolean]>>()
  readonly #new = new Listeners<[notice: Notice, from: number | undefined]>()
  readonly #stops: (() => void)[] = []
  #taken = 0
  #dropped = 0

  constructor(options: NoticesOptions) {
    const { store, bus, now, log } = options
    this.#options = options
    this.#board = new Board(roomLimits({ ofOneChannel: limits.presences, ofOneDevice: limits.presencesOfOneDevice }), now())
    this.#saved = new Saved(store, log)
    this.#processes = new Processes(bus, {
      all: () => this.#board.all(),
      heard: ({ notice, source }) => this.#post(notice, source, 'process'),
    })
    this.#intake = new Intake({
      judge: (kind) => this.#judges.get(kind),
      has: (kind, text) => this.#board.has(kind as NoticeKind, text),
      judged: (notice, peer) => this.#heardOf(notice, peer),
      dropped: (kind, error) => {
        this.#dropped++
        log?.debug({ kind, err: error }, 'a notice of a peer is dropped')
      },
    })
  }

  /**
   * Takes up what was kept, and begins to forget what ends. To be called once.
   * @throws DredError `store_unavailable`
   */
  async start(): Promise<void> {
    const { bus, expireEveryMs = EXPIRE_EVERY_MS } = this.#options
    this.#saved.start()
    await this.#takeUp()
    this.#processes.start()
    const timer = setInterval(() => this.#tick(), expireEveryMs).unref()
    this.#stops.push(
      () => clearInterval(timer),
      () => this.#processes.stop(),
      () => this.#saved.stop(),
      // Presence is said again by itself. If the store is out of reach, this process hears nothing either until it is back.
      bus.onReturn?.(() => void this.#takeUp().catch(() => undefined)) ?? (() => undefined),
    )
  }

  stop(): void {
    for (const stop of this.#stops.splice(0)) stop()
  }

  register(kind: NoticeKind, judge: NoticeJudge): void {
    this.#judges.set(kind, judge)
  }

  /** @throws DredError `body_too_large`, `storage_full`, `rate_limited` where too many are about the same, `store_unavailable` for kinds that are kept */
  async take(notice: Notice): Promise<void> {
    if (Buffer.byteLength(notice.text) > relayLimits.noticeBytes) throw new DredError('body_too_large')
    const outcome = this.#post(notice, ownClients, 'client')
    if (outcome === 'crowded') throw new DredError('rate_limited', { detail: 'There are as many of these as may be' })
    if (outcome === 'full') throw new DredError('storage_full')
    if (kept.has(notice.kind)) await this.#saved.settled(notice)
  }

  get(kind: NoticeKind, about: string): Notice | undefined {
    const notice = this.#board.get(kind, about)
    return notice && notice.expiresAt > this.#options.now() ? notice : undefined
  }

  about(kind: NoticeKind, prefix: string): Notice[] {
    const now = this.#options.now()
    return this.#board.about(kind, prefix).filter(({ expiresAt }) => expiresAt > now)
  }

  on(kind: NoticeKind, listener: (notice: Notice, ended: boolean) => void): () => void {
    const listeners = this.#listeners.get(kind) ?? new Listeners()
    this.#listeners.set(kind, listeners)
    return listeners.add(listener)
  }

  statistics(): NoticeStatistics {
    return { held: this.#board.size, taken: this.#taken, dropped: this.#dropped }
  }

  *all(): Iterable<Notice> {
    for (const { notice } of this.#board.all()) yield notice
  }

  onNew(listener: (notice: Notice, from: number | undefined) => void): () => void {
    return this.#new.add(listener)
  }

  heard(peer: number, kind: string, text: string): void {
    this.#intake.heard(peer, kind, text)
  }

  /** @throws DredError `store_unavailable` */
  async #takeUp(): Promise<void> {
    for (const notice of await this.#saved.all(this.#options.now())) this.#post(notice, ownClients, 'process')
  }

  #heardOf(notice: Notice, peer: number): void {
    if (notice.expiresAt > this.#options.now() + LONGEST_MS || notice.about.includes(' ')) this.#dropped++
    else this.#post(notice, peer, 'peer')
  }

  #post(notice: Notice, source: Source, by: 'client' | 'peer' | 'process'): Posted['outcome'] {
    const posted = this.#board.post(notice, source, this.#options.now())
    if (posted.outcome === 'crowded' || posted.outcome === 'full') this.#dropped++
    if (posted.outcome !== 'new') return posted.outcome
    this.#taken++
    if (by !== 'process') {
      if (kept.has(notice.kind)) this.#saved.save(notice, posted.replaced)
      this.#processes.tell({ notice, source })
    }
    this.#listeners.get(notice.kind)?.emit(notice, false)
    this.#new.emit(notice, by === 'peer' ? source : undefined)
    return 'new'
  }

  #tick(): void {
    const now = this.#options.now()
    for (const notice of this.#board.expire(now)) this.#listeners.get(notice.kind)?.emit(notice, true)
    this.#saved.tick(now, () => this.#kept())
  }

  *#kept(): Iterable<Notice> {
    for (const { notice } of this.#board.all()) if (kept.has(notice.kind)) yield notice
  }
}
