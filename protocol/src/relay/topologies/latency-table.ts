/** Before a link was measured: RFC 6298's first value. */
const FIRST_RETRANSMIT_MS = 1_000
/** A server that stood still makes one round trip long: nobody waits as long as that again. */
const LONGEST_RETRANSMIT_MS = 3_000
/** A round trip counts as changed when it and these milliseconds together did by more than this factor. */
const NOTICEABLE = 1.2
const NEAR_MS = 40
/** Routing goes by the shortest of this many round trips measured last. */
const SAMPLES = 3

/** A measured link of this server, in milliseconds. */
interface Link {
  /** RFC 6298: smoothed round trip and its mean deviation. */
  smoothed: number
  deviation: number
  readonly samples: number[]
}

interface Row {
  clock: number
  /** By server, ms. Each stands until it changed noticeably. */
  readonly roundTrips: Map<number, number>
}

/**
 * What is known of the round trips between servers. Two things are made of a link's measurements: the smoothed round trip and
 * its deviation say when to ask again, and the shortest of the last few is what routing goes by, since one message that waited
 * for a retransmission below would lengthen a mean for minutes and move trees that had better stay. Of these a change by less
 * than a fifth is passed over, so that routes stay as they are as long as {@link version} does.
 */
export class LatencyTable {
  readonly #self: number
  readonly #links = new Map<number, Link>()
  /** By server. The own one is always there. */
  readonly #rows = new Map<number, Row>()
  readonly #own: Row = { clock: 0, roundTrips: new Map() }
  #published = new Map<number, number>()
  #version = 0
  /** The row that was looked at last: routing looks at one after the other. */
  #at: Row | undefined
  #atServer: number

  constructor(self: number) {
    this.#self = self
    this.#rows.set(self, this.#own)
    this.#at = this.#own
    this.#atServer = self
  }

  /** Changes whenever {@link latencyMs} does, for any two servers. */
  get version(): number {
    return this.#version
  }

  /** @param roundTripMs of one message to a linked server and its answer */
  measure(peer: number, roundTripMs: number): void {
    const link = this.#links.get(peer)
    if (!link) this.#links.set(peer, { smoothed: roundTripMs, deviation: roundTripMs / 2, samples: [roundTripMs] })
    else {
      link.deviation += (Math.abs(link.smoothed - roundTripMs) - link.deviation) / 4
      link.smoothed += (roundTripMs - link.smoothed) / 8
      link.samples.push(roundTripMs)
      if (link.samples.length > SAMPLES) link.samples.shift()
    }
    this.#note(this.#own, peer, Math.min(...(link?.samples ?? [roundTripMs])))
  }

  /** There is no link to the server any more. */
  drop(peer: number): void {
    this.#links.delete(peer)
    if (this.#own.roundTrips.delete(peer)) this.#version++
  }

  /**
   * Takes in what another server measured: all its links.
   * @param clock of two rows of a server the one with the higher one counts
   * @param roundTrips by server, ms
   * @returns whether it is newer than what was known
   */
  learn(server: number, clock: number, roundTrips: ReadonlyMap<number, number>): boolean {
    const known = this.#rows.get(server)
    if (server === this.#self || (known && clock <= known.clock)) return false
    const row = known ?? { clock, roundTrips: new Map<number, number>() }
    row.clock = clock
    if (!known) {
      this.#rows.set(server, row)
      this.#atServer = -1
      this.#version++
    }
    for (const [to, roundTripMs] of roundTrips) this.#note(row, to, roundTripMs)
    for (const to of row.roundTrips.keys()) {
      if (roundTrips.has(to)) continue
      row.roundTrips.delete(to)
      this.#version++
    }
    return true
  }

  /** A server is no member any more. */
  forget(server: number): void {
    if (server === this.#self || !this.#rows.delete(server)) return
    this.#atServer = -1
    this.#version++
  }

  /** One-way milliseconds by the row of `from`, or where that is not known by the row of `to`; undefined where there is no link. */
  latencyMs(from: number, to: number): number | undefined {
    if (from !== this.#atServer) {
      this.#at = this.#rows.get(from)
      this.#atServer = from
    }
    const roundTripMs = this.#at ? this.#at.roundTrips.get(to) : this.#rows.get(to)?.roundTrips.get(from)
    return roundTripMs === undefined ? undefined : roundTripMs / 2
  }

  /** Smoothed round trip in milliseconds; undefined where none was measured. */
  smoothed(peer: number): number | undefined {
    return this.#links.get(peer)?.smoothed
  }

  /** After how many milliseconds an answer of a linked server is late that takes it up to `slackMs`. */
  retransmitMs(peer: number, slackMs: number): number {
    const link = this.#links.get(peer)
    if (!link) return FIRST_RETRANSMIT_MS + slackMs
    return Math.min(Math.max(1.35 * link.smoothed + slackMs, link.smoothed + 4 * link.deviation), LONGEST_RETRANSMIT_MS)
  }

  /** Round trips in milliseconds to the linked servers, as routing goes by. */
  ownRow(): ReadonlyMap<number, number> {
    return this.#own.roundTrips
  }

  /** Whether the own row differs noticeably from what {@link published} was called for last. */
  changed(): boolean {
    const now = this.#own.roundTrips
    if (now.size !== this.#published.size) return true
    for (const [peer, roundTripMs] of now) if (differ(this.#published.get(peer), roundTripMs)) return true
    return false
  }

  /** The others are being told the own row as it is. */
  published(): void {
    this.#published = new Map(this.#own.roundTrips)
  }

  #note(row: Row, to: number, roundTripMs: number): void {
    if (!differ(row.roundTrips.get(to), roundTripMs)) return
    row.roundTrips.set(to, roundTripMs)
    this.#version++
  }
}

/** A few milliseconds more or less are none: they say more of the machines than of the way between them. */
function differ(beforeMs: number | undefined, nowMs: number): boolean {
  if (beforeMs === undefined) return true
  const factor = (NEAR_MS + nowMs) / (NEAR_MS + beforeMs)
  return factor > NOTICEABLE || factor < 1 / NOTICEABLE
}
