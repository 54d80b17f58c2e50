import { type Origin, parseOrigin, type Range, type VersionVector } from '@dred/protocol'

/** A connected peer as a source of what is missing here. */
export interface Source {
  peer: number
  /** What it has, as it said last. */
  vector: VersionVector
  /** Pulls in flight from it. */
  pulls: number
}

export interface PullView {
  /** What is stored here. */
  mine: VersionVector
  self: { server: number; incarnation: number }
  sources: readonly Source[]
  /** Whether a pull from an origin is in flight. */
  inFlight(origin: Origin): boolean
  /** Whether a peer lately failed to give entries of an origin. */
  refused(peer: number, origin: Origin): boolean
  /** Milliseconds for which nothing new of an origin has arrived although something is missing. */
  stalledMs(origin: Origin): number
  graceMs: number
}

export interface Pull extends Range {
  peer: number
}

export interface PullPlan {
  pulls: Pull[]
  /** Milliseconds after which to plan again, when something was left for later. */
  againInMs: number | undefined
}

const PULLS_PER_PEER = 8
/** The last moment that is a date, in Unix milliseconds: an incarnation beyond it is nobody's boot. */
const LAST_INCARNATION = 8_640_000_000_000_000

/**
 * The latest incarnation of this server in which it has not counted what a peer has of it, and that is not earlier than its present one:
 * this server has lost its store, and its clock was set back.
 * @param told what peers said, all of it before `mine` was read
 */
export function latestUnknownLife(told: readonly VersionVector[], mine: VersionVector, self: PullView['self']): number | undefined {
  let latest: number | undefined
  for (const vector of told) {
    for (const origin of vector.origins) {
      const { server, incarnation } = parseOrigin(origin)
      if (server !== self.server || incarnation < (latest ?? self.incarnation) || incarnation > LAST_INCARNATION) continue
      if (vector.watermark(origin) > mine.watermark(origin)) latest = incarnation
    }
  }
  return latest
}

/**
 * Decides what to ask of whom: each origin's missing entries of one peer at a time, of the origin itself where it is connected and has
 * them. Its entries may be on their way from it when another server says first that it has them, so they get a time of grace.
 */
export function planPulls(view: PullView): PullPlan {
  const load = new Map(view.sources.map(({ peer, pulls }) => [peer, pulls]))
  const pulls: Pull[] = []
  let againInMs: number | undefined
  for (const origin of missingOrigins(view)) {
    const { server } = parseOrigin(origin)
    const from = view.mine.watermark(origin) + 1
    const able = view.sources.filter(
      ({ peer, vector }) => vector.watermark(origin) >= from && !view.refused(peer, origin) && (load.get(peer) ?? 0) < PULLS_PER_PEER,
    )
    const itself = able.find(({ peer }) => peer === server)
    const wait = view.graceMs - view.stalledMs(origin)
    if (!itself && wait > 0 && view.sources.some(({ peer }) => peer === server)) {
      againInMs = Math.min(againInMs ?? wait, wait)
      continue
    }
    const source = itself ?? leastLoaded(able, load)
    if (!source) continue
    load.set(source.peer, (load.get(source.peer) ?? 0) + 1)
    pulls.push({ peer: source.peer, origin, from, to: source.vector.watermark(origin) })
  }
  return { pulls, againInMs }
}

/** Nobody knows better than this server what it counted in its present incarnation. */
function missingOrigins(view: PullView): Origin[] {
  const { mine, self, sources } = view
  const missing = new Set<Origin>()
  for (const { vector } of sources) {
    for (const origin of vector.origins) {
      const { server, incarnation } = parseOrigin(origin)
      if (server === self.server && incarnation >= self.incarnation) continue
      if (vector.watermark(origin) > mine.watermark(origin) && !view.inFlight(origin)) missing.add(origin)
    }
  }
  return [...missing]
}

function leastLoaded(sources: readonly Source[], load: ReadonlyMap<number, number>): Source | undefined {
  return [...sources].sort((a, b) => (load.get(a.peer) ?? 0) - (load.get(b.peer) ?? 0) || a.peer - b.peer)[0]
}
