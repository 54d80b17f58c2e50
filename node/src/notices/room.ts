import type { Notice, NoticeKind } from './port.ts'

/** Where a notice came from: the id of a peer, or the clients of this server. */
export type Source = number
export const ownClients: Source = 0

interface Bounds {
  count: number
  bytes: number
}

export interface RoomLimits {
  /** What clients of this server may hand over; no peer takes that away. */
  own: Bounds
  /** What peers may, one and all together. */
  peer: Bounds
  peers: Bounds
  /** Notices that share the first part of what they are about, and the second: parts are divided by `/`. */
  parts: readonly [first: number, second: number]
}

const MIB = 1_048_576
const share = {
  own: { count: 65_536, bytes: 32 * MIB },
  peer: { count: 16_384, bytes: 8 * MIB },
  peers: { count: 65_536, bytes: 32 * MIB },
}

/** What a notice takes besides its text. */
const NOTICE_BYTES = 256

/** How much room notices have. Nothing is put out by something else: what finds no room is refused. */
export class Room {
  readonly #limits: RoomLimits
  readonly #used = new Map<string, Bounds>()

  constructor(limits: RoomLimits) {
    this.#limits = limits
  }

  /** @returns whether there was room: `crowded` where too many are about the same, `full` where it is too much in all */
  add(notice: Notice, source: Source): 'added' | 'crowded' | 'full' {
    const claims = this.#claims(notice, source)
    const bytes = bytesOf(notice)
    const exceeded = claims.find(({ name, bounds }) => {
      const used = this.#used.get(name) ?? { count: 0, bytes: 0 }
      return used.count + 1 > bounds.count || used.bytes + bytes > bounds.bytes
    })
    if (exceeded) return exceeded.name.startsWith('part') ? 'crowded' : 'full'
    for (const { name } of claims) this.#change(name, 1, bytes)
    return 'added'
  }

  remove(notice: Notice, source: Source): void {
    for (const { name } of this.#claims(notice, source)) this.#change(name, -1, -bytesOf(notice))
  }

  #claims({ about }: Notice, source: Source): { name: string; bounds: Bounds }[] {
    const { own, peer, peers, parts } = this.#limits
    const [first = '', second] = about.split('/')
    const claims = [{ name: `part 1 ${first}`, bounds: { count: parts[0], bytes: Number.POSITIVE_INFINITY } }]
    if (second !== undefined) claims.push({ name: `part 2 ${second}`, bounds: { count: parts[1], bytes: Number.POSITIVE_INFINITY } })
    if (source === ownClients) claims.push({ name: 'own', bounds: own })
    else claims.push({ name: `peer ${source}`, bounds: peer }, { name: 'peers', bounds: peers })
    return claims
  }

  #change(name: string, count: number, bytes: number): void {
    const used = this.#used.get(name) ?? { count: 0, bytes: 0 }
    used.count += count
    used.bytes += bytes
    if (used.count === 0) this.#used.delete(name)
    else this.#used.set(name, used)
  }
}

function bytesOf({ about, text }: Notice): number {
  return NOTICE_BYTES + about.length + text.length
}

/** Of presence the parts are channel and device. */
export function roomLimits(presence: { ofOneChannel: number; ofOneDevice: number }): Record<NoticeKind, RoomLimits> {
  return {
    presence: { ...share, parts: [presence.ofOneChannel, presence.ofOneDevice] },
    revocation: { ...share, parts: [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY] },
  }
}
