import type { Random } from '@dred/protocol/testing/random'
import type { Message } from './messages.ts'
import type { SimulatedServer } from './server.ts'
import type { World } from './world.ts'

/** A client without an answer hands its message to another server after this long, ms. */
const ANSWER_MS = 3_000
const ATTEMPTS = 3

interface Client {
  server: number | undefined
  /** What it published last. */
  own: string | undefined
  /** What it had seen last at the server before. */
  seen: string | undefined
}

/** People who write: each follows what it saw last at its server, and some move to another one. */
export class Clients {
  readonly #world: World
  readonly #random: Random
  readonly #clients: Client[]

  constructor(world: World) {
    this.#world = world
    this.#random = world.random('clients')
    this.#clients = Array.from({ length: world.scenario.clients }, () => ({ server: undefined, own: undefined, seen: undefined }))
  }

  /** Publishes until the scenario's time is over. */
  start(): void {
    const { messagesPerSecond, durationMs } = this.#world.scenario
    if (messagesPerSecond === 0) return
    const later = () =>
      this.#world.after(this.#random.exponential(1_000 / messagesPerSecond), () => {
        if (this.#world.nowMs >= durationMs) return
        this.#publish()
        later()
      })
    later()
  }

  #publish(): void {
    const client = this.#random.pick(this.#clients)
    if (!client) return
    const server = this.#serverOf(client)
    if (!server) return
    const { scenario, messages, nowMs, unixMs } = this.#world
    const last = server.lastId
    const prev = [...new Set([last, client.own, client.seen])].filter((id) => id !== undefined)
    const [shortest = 0, longest = 0] = scenario.lifetimeMs
    const lifetimeMs = this.#random.between(shortest, longest)
    const message = messages.create({ prev, submittedMs: nowMs, expiresAt: Math.floor(unixMs + lifetimeMs) }, scenario.bodyBytes)
    this.#submit(client, message, ATTEMPTS)
  }

  #submit(client: Client, message: Message, attempts: number): void {
    const server = this.#serverOf(client)
    if (!server || attempts === 0) return
    let answered = false
    server.submit(message, () => {
      answered = true
      client.own = message.id
    })
    this.#world.after(ANSWER_MS, () => {
      if (answered) return
      client.server = undefined
      this.#submit(client, message, attempts - 1)
    })
  }

  #serverOf(client: Client): SimulatedServer | undefined {
    const { servers, scenario } = this.#world
    const now = servers.get(client.server ?? 0)
    const stays = now?.serving === true && !now.leaving && !this.#random.chance(scenario.switching)
    if (stays) return now
    const open = [...servers.values()].filter((server) => server.serving && !server.leaving && server.members.length > 0)
    const next = this.#random.pick(open)
    if (now && next !== now) client.seen = now.lastId
    client.server = next?.id
    return next
  }
}
