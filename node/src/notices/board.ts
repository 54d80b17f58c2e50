import { nameOf, supersedes } from './order.ts'
import type { Notice, NoticeKind } from './port.ts'
import { Room, type RoomLimits, type Source } from './room.ts'

export interface Held {
  notice: Notice
  source: Source
}

export type Posted =
  | { outcome: 'new'; replaced: Notice | undefined }
  /** It was here, or something later is. */
  | { outcome: 'known' }
  /** Its time is over. */
  | { outcome: 'over' }
  | { outcome: 'crowded' | 'full' }

const SECOND_MS = 1_000

/** What holds now, in bounded memory: of one thing the latest. */
export class Board {
  readonly #rooms: ReadonlyMap<string, Room>
  readonly #held = new Map<string, Held>()
  /** Names of what is held by the first part of what it is about, and by the second in which it ends. */
  readonly #groups = new Map<string, Set<string>>()
  readonly #ends = new Map<number, Set<string>>()
  readonly #texts = new Map<NoticeKind, Set<string>>()
  /** All before this second has been looked at by {@link expire}. */
  #expired: number

  /** @param now Unix ms */
  constructor(limits: Record<NoticeKind, RoomLimits>, now: number) {
    this.#rooms = new Map(Object.entries(limits).map(([kind, ofKind]) => [kind, new Room(ofKind)]))
    this.#expired = secondOf(now)
  }

  /** @param now Unix ms */
  post(notice: Notice, source: Source, now: number): Posted {
    const room = this.#rooms.get(notice.kind)
    if (notice.expiresAt <= now || !room) return { outcome: 'over' }
    const name = nameOf(notice)
    const before = this.#held.get(name)
    if (before && !supersedes(notice, before.notice)) return { outcome: 'known' }
    if (before) room.remove(before.notice, before.source)
    const added = room.add(notice, source)
    if (added !== 'added') {
      if (before) room.add(before.notice, before.source)
      return { outcome: added }
    }
    if (before) this.#drop(before)
    this.#hold({ notice, source })
    return { outcome: 'new', replaced: before?.notice }
  }

  get(kind: NoticeKind, about: string): Notice | undefined {
    return this.#held.get(nameOf({ kind, about }))?.notice
  }

  /** @param prefix reaches to the end of the first part at least: what is held is found by that */
  about(kind: NoticeKind, prefix: string): Notice[] {
    const whole = prefix.includes('/')
    const names = whole ? (this.#groups.get(groupOf(`${kind} ${prefix}`)) ?? []) : this.#held.keys()
    const wanted = `${kind} ${prefix}`
    return [...names].filter((name) => name.startsWith(wanted)).flatMap((name) => this.#held.get(name)?.notice ?? [])
  }

  has(kind: NoticeKind, text: string): boolean {
    return this.#texts.get(kind)?.has(text) ?? false
  }

  /** All that is held, in the order in which it came. */
  all(): IterableIterator<Held> {
    return this.#held.values()
  }

  get size(): number {
    return this.#held.size
  }

  /** Forgets what has ended. @param now Unix ms */
  expire(now: number): Notice[] {
    const ended: Notice[] = []
    const last = secondOf(now)
    for (let second = this.#expired; second <= last; second++) {
      for (const name of this.#ends.get(second) ?? []) {
        const held = this.#held.get(name)
        if (!held || held.notice.expiresAt > now) continue
        this.#rooms.get(held.notice.kind)?.remove(held.notice, held.source)
        this.#drop(held)
        ended.push(held.notice)
      }
    }
    this.#expired = Math.max(this.#expired, last)
    return ended
  }

  #hold(held: Held): void {
    const { notice } = held
    const name = nameOf(notice)
    const second = secondOf(notice.expiresAt)
    this.#held.set(name, held)
    addTo(this.#groups, groupOf(name), name)
    addTo(this.#ends, second, name)
    addTo(this.#texts, notice.kind, notice.text)
    // A clock may have been set back.
    this.#expired = Math.min(this.#expired, second)
  }

  #drop({ notice }: Held): void {
    const name = nameOf(notice)
    this.#held.delete(name)
    removeFrom(this.#groups, groupOf(name), name)
    removeFrom(this.#ends, secondOf(notice.expiresAt), name)
    removeFrom(this.#texts, notice.kind, notice.text)
  }
}

/** What comes before the first `/`. */
function groupOf(name: string): string {
  const end = name.indexOf('/')
  return end === -1 ? name : name.slice(0, end)
}

function secondOf(unixMs: number): number {
  return Math.floor(unixMs / SECOND_MS)
}

function addTo<K>(sets: Map<K, Set<string>>, key: K, member: string): void {
  const set = sets.get(key) ?? new Set()
  set.add(member)
  sets.set(key, set)
}

function removeFrom<K>(sets: Map<K, Set<string>>, key: K, member: string): void {
  const set = sets.get(key)
  set?.delete(member)
  if (set?.size === 0) sets.delete(key)
}
