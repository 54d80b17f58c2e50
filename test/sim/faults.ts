import { hash } from './random.ts'
import { chosen, type Fault } from './scenario.ts'
import type { Cut } from './network.ts'
import type { SimulatedServer } from './server.ts'
import type { World } from './world.ts'

/** Registry changes become known to each server within this time, ms. */
const REGISTRY_MS = 2_000

export interface FaultHost extends World {
  /** A server that did not exist. */
  addServer(id: number): SimulatedServer
}

/** What went wrong or was mended, for the picture. */
export interface Happening {
  atMs: number
  text: string
  heals: boolean
}

interface Active {
  servers: readonly number[]
  undo: () => void
}

/** Does a scenario's faults and undoes them. */
export class Faults {
  readonly happenings: Happening[] = []
  readonly #world: FaultHost
  readonly #active = new Set<Active>()
  readonly #seed: number
  #members: { id: number; leaving: boolean }[]

  constructor(world: FaultHost, seed: number) {
    this.#world = world
    this.#seed = seed
    this.#members = Array.from({ length: world.scenario.servers }, (_, i) => ({ id: i + 1, leaving: false }))
  }

  start(): void {
    for (const { id } of this.#members) this.#world.servers.get(id)?.setMembers(this.#members)
    this.#world.scenario.faults.forEach((fault, i) => {
      this.#world.after(fault.atMs - this.#world.nowMs, () => this.#begin(fault, i))
    })
  }

  /** The last time at which something was mended, ms. */
  get healedMs(): number | undefined {
    return this.happenings.findLast(({ heals }) => heals)?.atMs
  }

  #begin(fault: Fault, index: number): void {
    const servers = fault.servers === undefined ? undefined : chosen(fault.servers, this.#ids(), hash(`${this.#seed} fault ${index}`))
    const undo = this.#do(fault, servers)
    this.#note(fault.type, servers, ['restart', 'heal', 'join'].includes(fault.type))
    if (!undo || !servers) return
    const active = { servers, undo }
    this.#active.add(active)
    if ('forMs' in fault && fault.forMs !== undefined)
      this.#world.after(fault.forMs, () => {
        if (!this.#active.delete(active)) return
        undo()
        this.#note(`end of ${fault.type}`, servers, true)
      })
  }

  #note(what: string, servers: readonly number[] | undefined, heals: boolean): void {
    this.happenings.push({ atMs: this.#world.nowMs, text: servers ? `${what} ${servers.join(', ')}` : what, heals })
  }

  #ids(): number[] {
    return [...this.#world.servers.values()].filter(({ running }) => running).map(({ id }) => id)
  }

  /** @returns how to undo it, if it lasts */
  #do(fault: Fault, servers: readonly number[] | undefined): (() => void) | undefined {
    const each = (ids: readonly number[] | undefined) => (ids ?? []).flatMap((id) => this.#world.servers.get(id) ?? [])
    switch (fault.type) {
      case 'crash':
        for (const server of each(servers)) {
          if (fault.only) server.loseStore()
          else server.crash(fault.silent ?? false)
        }
        return () => this.#restart(each(servers))
      case 'disk-loss':
        for (const server of each(servers)) this.#loseDisk(server, fault)
        return () => this.#restart(each(servers))
      case 'restart':
        this.#restart(servers ? each(servers) : [...this.#world.servers.values()])
        return undefined
      case 'heal':
        this.#heal(servers)
        return undefined
      case 'partition':
      case 'oneway':
        return this.#cut(fault, servers ?? [])
      case 'join':
        this.#join(servers ?? [])
        return undefined
      case 'leave':
        this.#members = this.#members.map((member) => (servers?.includes(member.id) ? { ...member, leaving: true } : member))
        this.#announce()
        return undefined
      case 'slow':
      case 'pause':
      case 'drop-relay':
      case 'clock-skew':
        return this.#impair(fault, each(servers))
    }
  }

  #impair(
    fault: Extract<Fault, { type: 'slow' | 'pause' | 'drop-relay' | 'clock-skew' }>,
    servers: readonly SimulatedServer[],
  ): () => void {
    const undos = servers.map((server) => {
      switch (fault.type) {
        case 'slow': {
          const before = server.slowness
          server.slowness = { factor: fault.factor ?? 10, mbitPerSecond: fault.mbitPerSecond ?? Number.POSITIVE_INFINITY }
          return () => void (server.slowness = before)
        }
        case 'pause':
          server.paused = true
          return () => void (server.paused = false)
        case 'drop-relay':
          server.dropsRelay = true
          return () => void (server.dropsRelay = false)
        case 'clock-skew':
          server.skewMs += fault.skewMs
          return () => void (server.skewMs -= fault.skewMs)
      }
    })
    this.#world.network.version++
    return () => {
      for (const undo of undos) undo()
      this.#world.network.version++
    }
  }

  #cut(fault: Extract<Fault, { type: 'partition' | 'oneway' }>, servers: readonly number[]): () => void {
    const inside = new Set(servers)
    const to =
      fault.type === 'oneway' && fault.to !== undefined
        ? new Set(chosen(fault.to, this.#ids(), hash(`${this.#seed} to ${fault.atMs}`)))
        : undefined
    const partition: Cut['separates'] = (from, other) => inside.has(from) !== inside.has(other)
    const oneway: Cut['separates'] = (from, other) => inside.has(from) && (to?.has(other) ?? !inside.has(other))
    const cut = { separates: fault.type === 'partition' ? partition : oneway, hold: fault.hold ?? false }
    const startMs = this.#world.nowMs
    this.#world.network.addCut(cut)
    return () => this.#world.network.removeCut(cut, this.#world.nowMs - startMs)
  }

  #loseDisk(server: SimulatedServer, { lostMs = 1_000, only }: Extract<Fault, { type: 'disk-loss' }>): void {
    // A process that stands still could not know that what it goes on to say is not true any more.
    if (only && server.paused) return
    this.#world.checks.losing(server)
    if (only) server.loseStore()
    else server.crash(false)
    server.store.lose(lostMs)
  }

  #restart(servers: readonly SimulatedServer[]): void {
    for (const server of servers) {
      if (server.running) server.regainStore()
      else server.boot()
    }
  }

  #heal(servers: readonly number[] | undefined): void {
    for (const active of this.#active) {
      if (servers && !active.servers.some((id) => servers.includes(id))) continue
      this.#active.delete(active)
      active.undo()
    }
  }

  #join(ids: readonly number[]): void {
    for (const id of ids) {
      this.#members = [...this.#members, { id, leaving: false }].sort((a, b) => a.id - b.id)
      const server = this.#world.addServer(id)
      server.setMembers(this.#members)
      server.boot()
    }
    this.#announce()
  }

  #announce(): void {
    const members = this.#members
    const random = this.#world.random('registry')
    for (const server of this.#world.servers.values()) {
      this.#world.after(random.between(0, REGISTRY_MS), () => {
        if (members.length > server.members.length || members === this.#members) server.setMembers(members)
      })
    }
  }
}
