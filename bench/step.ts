// What the relay core costs: messages per second of one core's time spent in `step`, as a message's origin, as a relay with
// servers behind it and as a leaf, confirmations and all else of a healthy neighborhood included.
//   npm run bench:step -- [--rate 1000] [--messages 4000] [--rounds 15] [--bytes 1024] [--peers 10,50]
//     [--roles origin,relay,leaf] [--json]
// Time is simulated: `--rate` messages of that origin each simulated second decide how many confirmations go together.
// The median of the rounds counts, of each the time that this thread had a processor: other work on the machine hardly matters.
import { parseArgs } from 'node:util'
import {
  type CoreFrame,
  createRelay,
  encodeRoundTrip,
  epochOf,
  type RelayEffect,
  type RelayEvent,
  step,
  type VersionVectorData,
  type WireEntry,
} from '@dred/protocol/relay'

const { values } = parseArgs({
  options: {
    rate: { type: 'string', default: '1000' },
    messages: { type: 'string', default: '4000' },
    rounds: { type: 'string', default: '15' },
    bytes: { type: 'string', default: '1024' },
    peers: { type: 'string', default: '10,50' },
    roles: { type: 'string', default: 'origin,relay,leaf' },
    json: { type: 'boolean', default: false },
  },
})
const rate = Number(values.rate)
const messages = Number(values.messages)
const everyMs = 1_000 / rate
if (!(everyMs > 0 && messages > 0)) throw new Error('--rate and --messages have to be positive')

const self = 1
const incarnation = 1
const startMs = 1_800_000_000_000
/** Before measuring: rows are exchanged, the joining is over and code is compiled. */
const warmUpMs = 15_000
const regionsMs = [5, 40, 80, 110, 150, 180]

const allRoles = ['origin', 'relay', 'leaf'] as const
type Role = (typeof allRoles)[number]
type BodyEntry = Extract<WireEntry, { kind: 'message' | 'genesis' }>
type Send = Extract<RelayEffect, { type: 'send' }>

const roundTripMs = (a: number, b: number): number => 2 + (regionsMs[Math.abs((a % 6) - (b % 6))] ?? 0)

function idOf(n: number): string {
  const bytes = Buffer.alloc(32)
  bytes.writeUInt32BE(n)
  return bytes.toString('base64url')
}

/** One server with its real core, and peers that confirm what they are sent as real ones do. */
class Neighborhood {
  readonly #relay = createRelay({ self, incarnation })
  readonly #ids: number[]
  readonly #epoch: number
  readonly #origin: number
  readonly #cover: number[]
  readonly #body = 'x'.repeat(Number(values.bytes))
  /** Events by simulated millisecond. */
  readonly #agenda = new Map<number, RelayEvent[]>()
  /** The HAVE that each peer says next. */
  readonly #confirmations = new Map<number, { atMs: number; vector: VersionVectorData }>()
  #nowMs = 0
  /** When the core wants to hear of the time. */
  #wakeMs = Number.POSITIVE_INFINITY
  #n = 0
  steps = 0
  sent = 0
  spentMs = 0

  constructor(role: Role, peers: number) {
    this.#ids = Array.from({ length: peers + 1 }, (_, index) => index + 1)
    this.#epoch = epochOf(this.#ids)
    this.#origin = role === 'origin' ? self : 2
    this.#cover = role === 'relay' ? this.#ids.slice(2, 7) : []
    const members = this.#ids.map((id) => ({ id, leaving: false }))
    this.#tell({ type: 'recovered', vector: this.#relay.vector, floors: {}, incarnation })
    this.#tell({ type: 'members', members, epoch: this.#epoch })
    for (const peer of this.#ids.slice(1)) {
      this.#tell({ type: 'link-up', peer })
      this.#hear(peer, { type: 'STATE', incarnation, epoch: this.#epoch, joining: false, credit: 4_194_304 })
      this.#hear(peer, { type: 'VV', last: true, answer: false, vector: {}, floors: {} })
      const roundTrips = Uint8Array.from(this.#ids, (id) => (id === peer ? 0 : encodeRoundTrip(roundTripMs(peer, id))))
      const row = { server: peer, clock: startMs, epoch: this.#epoch, roundTrips }
      this.#hear(peer, { type: 'LATENCY', row, signature: new Uint8Array(64) })
    }
    this.#pass(warmUpMs)
  }

  run(count: number): void {
    this.steps = this.sent = this.spentMs = 0
    const cpu = process.threadCpuUsage()
    const before = performance.now()
    this.#pass(count * everyMs)
    const { user, system } = process.threadCpuUsage(cpu)
    // Of the time that passed in steps as much as this thread had of all the time that passed.
    this.spentMs *= (user + system) / 1_000 / (performance.now() - before)
    const { probes, pulls, resent, duplicates, blamed } = this.#relay.counters
    if (probes + pulls + resent + duplicates + blamed > 0) throw new Error(`Not healthy: ${JSON.stringify(this.#relay.counters)}`)
  }

  #pass(durationMs: number): void {
    const endMs = this.#nowMs + durationMs
    for (; this.#nowMs < endMs; this.#nowMs++) {
      while (this.#n * everyMs <= this.#nowMs) this.#publish()
      for (const event of this.#agenda.get(this.#nowMs) ?? []) this.#tell(event)
      this.#agenda.delete(this.#nowMs)
      if (this.#wakeMs <= this.#nowMs) this.#wake()
    }
  }

  #wake(): void {
    this.#wakeMs = Number.POSITIVE_INFINITY
    this.#tell({ type: 'tick' })
  }

  #publish(): void {
    const n = ++this.#n
    const coordinate = { server: this.#origin, incarnation, n }
    const unixMs = startMs + this.#nowMs
    const common = { kind: 'message', coordinate, canonical: this.#body, sig: 's'.repeat(86) } as const
    const entry: BodyEntry = { ...common, expiresAt: unixMs + 86_400_000, clock: unixMs * 1_000 }
    if (this.#origin === self) this.#tell({ type: 'appended', entry, id: idOf(n) })
    else this.#hear(this.#origin, { type: 'MSG', entry, cover: this.#cover, epoch: this.#epoch })
  }

  #hear(peer: number, frame: CoreFrame): void {
    this.#tell({ type: 'frame', peer, frame })
  }

  #tell(event: RelayEvent): void {
    const now = { monotonicMs: this.#nowMs, unixMs: startMs + this.#nowMs }
    const before = performance.now()
    const effects = step(this.#relay, event, now)
    this.spentMs += performance.now() - before
    this.steps++
    for (const effect of effects) this.#do(effect)
  }

  #do(effect: RelayEffect): void {
    switch (effect.type) {
      case 'send':
        this.#answer(effect)
        return
      case 'verify': {
        const { coordinate, expiresAt } = effect.entry
        this.#later(1, { type: 'verified', coordinate, id: idOf(coordinate.n), missing: [], expiresAt })
        return
      }
      case 'store':
        this.#later(2, { type: 'stored', coordinate: effect.entry.coordinate, result: 'stored' })
        return
      case 'sign':
        this.#later(1, { type: 'signed', statement: effect.statement, signature: new Uint8Array(64) })
        return
      case 'check':
        this.#later(1, { ...effect, type: 'checked', valid: true })
        return
      case 'wake':
        this.#wakeMs = effect.atMs
        return
      case 'confirmed':
      case 'ready':
        return
      case 'read':
      case 'admit':
      case 'returned':
      case 'fork':
      case 'receipt':
      case 'outgrow':
      case 'close':
        throw new Error(`Not healthy: ${effect.type}`)
    }
  }

  #answer({ peer, frame }: Send): void {
    const tripMs = roundTripMs(self, peer)
    switch (frame.type) {
      case 'MSG':
        this.sent++
        this.#confirm(peer, frame.entry.coordinate.n, Math.ceil((this.#nowMs + tripMs) / 10) * 10)
        if (this.#origin !== self) return
        for (const member of frame.cover)
          this.#confirm(member, frame.entry.coordinate.n, Math.ceil((this.#nowMs + tripMs + roundTripMs(peer, member)) / 100) * 100)
        return
      case 'PING':
        this.#later(tripMs, { type: 'frame', peer, frame: { type: 'PONG', at: frame.at } })
        return
      case 'VV': {
        const vector = this.#relay.vector.toData()
        if (frame.answer) this.#later(tripMs, { type: 'frame', peer, frame: { type: 'VV', last: true, answer: false, vector, floors: {} } })
        return
      }
      case 'HAVE':
      case 'HEAD':
      case 'LATENCY':
      case 'RECEIPT':
      case 'STATE':
        return
      case 'PROBE':
      case 'WANT':
      case 'NO':
      case 'PULL':
      case 'BATCH':
      case 'HOME':
      case 'PONG':
        throw new Error(`Not healthy: ${frame.type}`)
    }
  }

  /** Counts confirmed at one time go together. */
  #confirm(peer: number, n: number, atMs: number): void {
    const origin = `${this.#origin}-${incarnation}` as const
    const last = this.#confirmations.get(peer)
    if (last?.atMs === atMs) {
      last.vector[origin] = [n]
      return
    }
    const vector: VersionVectorData = { [origin]: [n] }
    this.#confirmations.set(peer, { atMs, vector })
    this.#later(atMs - this.#nowMs, { type: 'frame', peer, frame: { type: 'HAVE', vector } })
  }

  #later(inMs: number, event: RelayEvent): void {
    const atMs = this.#nowMs + Math.max(1, inMs)
    const events = this.#agenda.get(atMs)
    if (events) events.push(event)
    else this.#agenda.set(atMs, [event])
  }
}

function measure(role: Role, peers: number) {
  const neighborhood = new Neighborhood(role, peers)
  const rounds = Array.from({ length: Number(values.rounds) }, () => {
    neighborhood.run(messages)
    return neighborhood.spentMs
  })
  const spentMs = rounds.sort((a, b) => a - b)[Math.floor(rounds.length / 2)] ?? Number.NaN
  return {
    role,
    peers,
    messagesPerSecond: Math.round((1_000 * messages) / spentMs),
    microsPerMessage: Math.round((100_000 * spentMs) / messages) / 100,
    stepsPerMessage: Math.round((10 * neighborhood.steps) / messages) / 10,
    sentPerMessage: neighborhood.sent / messages,
  }
}

const roles = allRoles.filter((role) => values.roles.split(',').includes(role))
const results = values.peers.split(',').flatMap((peers) => roles.map((role) => measure(role, Number(peers))))
if (values.json) process.stdout.write(`${JSON.stringify({ rate, messages, bytes: Number(values.bytes), results }, null, 2)}\n`)
else {
  process.stdout.write('peers  role    messages/s   µs/message   steps/message   sent/message\n')
  for (const { peers, role, messagesPerSecond, microsPerMessage, stepsPerMessage, sentPerMessage } of results)
    process.stdout.write(
      [
        String(peers).padStart(5),
        role.padEnd(7),
        String(messagesPerSecond).padStart(9),
        microsPerMessage.toFixed(2).padStart(12),
        stepsPerMessage.toFixed(1).padStart(15),
        `${sentPerMessage.toFixed(0).padStart(14)}\n`,
      ].join('  '),
    )
}
