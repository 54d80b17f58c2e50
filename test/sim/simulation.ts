import type { CoreFrame, RelayEffect } from '@dred/protocol/relay'
import type { Random } from '@dred/protocol/testing/random'
import { Checks } from './checks.ts'
import { Clients } from './clients.ts'
import { EventQueue } from './event-queue.ts'
import { Faults, type FaultHost } from './faults.ts'
import type { Protocol } from './machine.ts'
import { Measures, wayOf } from './measures.ts'
import { type Accepted, Messages } from './messages.ts'
import { Network, type NetworkHost } from './network.ts'
import { shortestWays } from './paths.ts'
import { RandomStreams } from './random.ts'
import { geography } from './regions.ts'
import { type Detail, type Result, summarise } from './result.ts'
import type { Scenario } from './scenario.ts'
import { SimulatedServer } from './server.ts'
import { byReference, type Wire } from './wire.ts'

type Send = Extract<RelayEffect, { type: 'send' }>

/** When clients begin to publish, Unix ms. */
const START_UNIX_MS = 1_900_000_000_000

export interface SimulationOptions {
  scenario: Scenario
  seed: number
  protocol: Protocol
  /** How frames go from one server to another; by reference unless given. */
  wire?: Wire
}

/** Runs a scenario to its end. The same scenario, seed and code give the same result. */
export function simulate(options: SimulationOptions): { result: Result; detail: Detail } {
  const simulation = new Simulation(options)
  return simulation.run()
}

class Simulation implements FaultHost, NetworkHost {
  readonly scenario: Scenario
  readonly protocol: Protocol
  readonly servers = new Map<number, SimulatedServer>()
  readonly network: Network
  readonly messages = new Messages()
  readonly checks: Checks
  readonly measures = new Measures()
  readonly #seed: number
  readonly #wire: Wire
  readonly #queue: EventQueue
  readonly #streams: RandomStreams
  readonly #faults: Faults
  #ways: { version: number; from: Map<number, ReadonlyMap<number, number>> } = { version: -1, from: new Map() }
  readonly #epochs = new Map<number, readonly number[]>()
  /** Shortest ways at the time at which a message was accepted. */
  readonly #shortest = new WeakMap<Accepted, ReadonlyMap<number, number>>()

  constructor({ scenario, seed, protocol, wire = byReference }: SimulationOptions) {
    this.scenario = scenario
    this.protocol = protocol
    this.#seed = seed
    this.#wire = wire
    this.#queue = new EventQueue(-scenario.warmupMs)
    this.#streams = new RandomStreams(seed)
    this.checks = new Checks(this.messages, () => this.nowMs)
    const initial = Array.from({ length: scenario.servers }, (_, i) => i + 1)
    const joining = scenario.faults.flatMap((fault) => (fault.type === 'join' ? fault.servers : []))
    const places = geography(scenario, [...initial, ...joining], this.random('geography'))
    this.network = new Network(this, places, { dial: this.random('dial'), frames: this.random('frames') })
    for (const id of initial) this.addServer(id)
    this.#faults = new Faults(this, seed)
  }

  get nowMs(): number {
    return this.#queue.now
  }

  get unixMs(): number {
    return START_UNIX_MS + this.nowMs
  }

  run(): { result: Result; detail: Detail } {
    const { warmupMs, durationMs, drainMs } = this.scenario
    this.#faults.start()
    for (const server of this.servers.values()) server.boot()
    this.after(warmupMs, () => new Clients(this).start())
    this.#queue.runUntil(durationMs + drainMs)
    return summarise(this, { seed: this.#seed, happenings: this.#faults.happenings, healedMs: this.#healedMs })
  }

  after(ms: number, run: () => void): void {
    this.#queue.schedule(this.nowMs + ms, run)
  }

  random(concern: string): Random {
    return this.#streams.of(concern)
  }

  endpoint(id: number): SimulatedServer | undefined {
    return this.servers.get(id)
  }

  lossNow(): { loss: number; delayedLoss: number; jitter: number } {
    return this.nowMs < this.scenario.lossUntilMs ? this.scenario : { ...this.scenario, loss: 0, delayedLoss: 0 }
  }

  named(epoch: number, ids: readonly number[]): void {
    this.#epochs.set(epoch, ids)
  }

  addServer(id: number): SimulatedServer {
    const { clockSkewMs } = this.scenario
    const server = new SimulatedServer(id, this, this.random('clocks').between(-clockSkewMs, clockSkewMs))
    this.servers.set(id, server)
    this.network.add(id)
    return server
  }

  accepted(accepted: Accepted): void {
    const { server } = accepted.entry.coordinate
    if (this.#ways.version !== this.network.version) this.#ways = { version: this.network.version, from: new Map() }
    const ways = this.#ways.from.get(server) ?? shortestWays(server, [...this.servers.keys()], this.network)
    this.#ways.from.set(server, ways)
    this.#shortest.set(accepted, ways)
  }

  send(from: SimulatedServer, { peer, frame, lane }: Send): void {
    if (from.dropsRelay && frame.type === 'MSG' && frame.entry.coordinate.server !== from.id) return
    const { carried, total, control } = this.#wire(frame, (epoch) => this.#epochs.get(epoch))
    const { nowMs } = this
    this.measures.sent(frame.type, { total, control }, nowMs >= 0 && nowMs < this.scenario.durationMs)
    const bodies = this.#bodiesOf(frame).map((accepted) => ({
      accepted,
      way: wayOf(accepted, { from: from.id, nowMs, frame: frame.type }),
    }))
    const deliver = () => {
      const to = this.servers.get(peer)
      for (const { accepted, way } of bodies) {
        const shortestMs = this.#shortest.get(accepted)?.get(peer) ?? Number.POSITIVE_INFINITY
        this.measures.arrived(accepted, { server: peer, nowMs: this.nowMs, shortestMs }, way)
      }
      to?.receive(from.id, carried)
    }
    this.network.send(from.id, peer, { lane, bytes: total, deliver })
  }

  #bodiesOf(frame: CoreFrame): Accepted[] {
    const entries = frame.type === 'MSG' ? [frame.entry] : frame.type === 'BATCH' ? frame.entries : []
    return entries.flatMap((entry) => ('canonical' in entry ? (this.messages.at(entry.coordinate) ?? []) : []))
  }

  /** When nothing was wrong any more. */
  get #healedMs(): number {
    const { loss, lossUntilMs, durationMs, drainMs } = this.scenario
    const lossEnds = loss > 0 && lossUntilMs < durationMs + drainMs ? lossUntilMs : undefined
    const times = [lossEnds, this.#faults.healedMs].filter((ms) => ms !== undefined)
    return times.length === 0 ? durationMs : Math.max(...times)
  }
}
