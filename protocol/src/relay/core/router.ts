import { LatencyTable } from '../topologies/latency-table.ts'
import type { Route, RoutingView, Topology } from '../topologies/topology.ts'
import type { Relay } from './relay.ts'
import { Timer } from './timers.ts'
import type { Member } from './types.ts'

/** Of a link that was not measured yet. */
const UNMEASURED_MS = 100
const ANSWER_SLACK_MS = 50
const ROUTES_KEPT = 256
/** Failures to pass on, without a success in between, that make a server a leaf. */
const FAILURES = 3
const LEAF_DOUBLINGS = 6

interface Conduct {
  failures: number
  /** How often it was made a leaf. */
  times: number
  leafUntilMs: number
}

/** Who is there, how far away, and by whom a message goes to them. */
export class Router implements RoutingView {
  readonly latencies: LatencyTable
  /** Names the list of members that are not leaving; see `epochOf`. */
  epoch = 0
  /** Ids of these, this server among them if it is one, ascending. */
  members: readonly number[] = []
  readonly #relay: Relay
  readonly #topology: Topology
  readonly #memberSet = new Set<number>()
  readonly #routes = new Map<string, Route>()
  readonly #conduct = new Map<number, Conduct>()
  readonly #amnesty = new Timer(() => this.#pardon())
  #version = -1

  constructor(relay: Relay, topology: Topology) {
    this.#relay = relay
    this.#topology = topology
    this.latencies = new LatencyTable(relay.self)
  }

  get comesHome(): boolean {
    return this.#topology.comesHome
  }

  setMembers(members: readonly Member[], epoch: number): void {
    for (const id of this.members) if (!members.some((member) => member.id === id)) this.latencies.forget(id)
    this.members = members.flatMap(({ id, leaving }) => (leaving ? [] : [id])).sort((a, b) => a - b)
    this.#memberSet.clear()
    for (const id of this.members) this.#memberSet.add(id)
    this.epoch = epoch
    this.changed()
  }

  isMember(server: number): boolean {
    return this.#memberSet.has(server)
  }

  /** The servers that a message of this server is for: all but those that have not caught up. */
  everybody(): number[] {
    return this.members.filter((id) => id !== this.#relay.self && this.#relay.peers.get(id)?.joining !== true)
  }

  /** To be called when links, members or what is known of servers changed. */
  changed(): void {
    this.#routes.clear()
  }

  route(cover: readonly number[]): Route {
    if (this.#version !== this.latencies.version) this.changed()
    this.#version = this.latencies.version
    const key = cover.join()
    let route = this.#routes.get(key)
    if (!route) {
      route = this.#topology.route(this.#relay.self, cover, this)
      if (this.#routes.size >= ROUTES_KEPT) this.#routes.clear()
      this.#routes.set(key, route)
    }
    return route
  }

  latencyMs(from: number, to: number): number | undefined {
    if (from !== this.#relay.self) return this.latencies.latencyMs(from, to)
    const peer = this.#relay.peers.get(to)
    if (!peer || peer.congested || peer.suspectMs !== undefined) return undefined
    return this.latencies.latencyMs(from, to) ?? UNMEASURED_MS
  }

  /** Within how many milliseconds a peer's answer comes, if neither it nor the question gets lost. */
  answerMs(peer: number): number {
    return 1.5 * (this.latencies.smoothed(peer) ?? 2 * UNMEASURED_MS) + ANSWER_SLACK_MS
  }

  relays(server: number): boolean {
    if (!this.#memberSet.has(server) || this.#relay.peers.get(server)?.joining === true) return false
    return (this.#conduct.get(server)?.leafUntilMs ?? 0) <= this.#relay.now.monotonicMs
  }

  /** A server had a message, and one that it had to serve did not. */
  failed(server: number): void {
    const { now, timings, timers, counters } = this.#relay
    const conduct = this.#conduct.get(server) ?? { failures: 0, times: 0, leafUntilMs: 0 }
    this.#conduct.set(server, conduct)
    if (conduct.leafUntilMs > now.monotonicMs || ++conduct.failures < FAILURES) return
    counters.blamed++
    conduct.failures = 0
    conduct.leafUntilMs = now.monotonicMs + timings.leafMs * 2 ** Math.min(conduct.times++, LEAF_DOUBLINGS)
    timers.by(this.#amnesty, conduct.leafUntilMs)
    this.changed()
  }

  /** A server passed a message on. */
  passedOn(server: number): void {
    const conduct = this.#conduct.get(server)
    if (conduct) conduct.failures = 0
  }

  #pardon(): void {
    const { now, timers } = this.#relay
    for (const { leafUntilMs } of this.#conduct.values()) if (leafUntilMs > now.monotonicMs) timers.by(this.#amnesty, leafUntilMs)
    this.changed()
  }
}
