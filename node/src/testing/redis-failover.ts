import { setTimeout as delay } from 'node:timers/promises'
import { type Signer, signMessage, type StreamEvent } from '@dred/protocol'
import { Random } from '@dred/protocol/testing/random'
import { openRedisStore } from '../store/redis.ts'
import type { RedisGroup } from '../store/testing/redis-cluster.ts'
import { StreamReader } from './stream-client.ts'
import { createChannel, startTestNode, testSigner } from './test-node.ts'

export interface FailoverOptions {
  seed: number
  /** That must have a message before it is acknowledged. */
  replicas: number
  /** Freezes the replica before the master is killed, so that it lacks what the master took last. */
  behind: boolean
}

export interface FailoverReport {
  acknowledged: number
  /** Acknowledged, and not in the channel's history afterwards, nor within ten seconds. */
  lost: string[]
  /** In the history more than once. */
  twice: string[]
  /** Coordinates that stood for two messages. */
  ambiguous: string[]
  /** Acknowledged messages that a reader, going on from its last cursor after every end, was not given; and those given more than once. */
  missed: string[]
  repeated: string[]
  /** Acknowledged messages that now have another coordinate: Redis had lost them. */
  offeredAgain: number
  /** Answers 503 `store_unavailable`, all of them to be tried again. */
  refused: number
  /** Longest time, in milliseconds, without a message that was acknowledged. */
  outageMs: number
}

const PUBLISHERS = 8
/** Together more than the buffers between master and replica hold, and with those before less than what makes the server forget. */
const BEHIND = { before: 100, messages: 220, text: 60_000, ms: 1_000 }
const RESTORED_MS = 10_000

interface Published {
  id: string
  body: string
}

interface Acknowledged {
  incarnation: number
  n: number
  at: number
}

/** What one server and its clients go through while the master dies under it. */
class Trial {
  readonly acknowledged = new Map<string, Acknowledged>()
  /** By coordinate, the ids that it stood for. */
  readonly named = new Map<string, Set<string>>()
  refused = 0
  /** Nothing more is published. */
  over = false
  /** Nothing more is acknowledged. */
  complete = false
  readonly #url: string
  readonly #signer: Signer
  #waiting: (() => void)[] = []

  constructor(url: string, signer: Signer) {
    this.#url = url
    this.#signer = signer
  }

  /** Publishes one message after the other, as a client does: the same again until it is acknowledged. */
  async publish(name: string, length: number): Promise<void> {
    for (let i = 0; !this.over; i++) {
      const text = `${name}.${i} ${'x'.repeat(length)}`
      const [, channel = ''] = this.#url.split('/channel/')
      const { id, signed } = await signMessage(this.#signer, channel, { message: text, sentAt: Date.now() })
      await this.#untilTaken({ id, body: JSON.stringify(signed) })
    }
  }

  /** Resolves once so many more have been acknowledged. */
  async until(more: number): Promise<void> {
    const wanted = this.acknowledged.size + more
    while (this.acknowledged.size < wanted) await new Promise<void>((resolve) => this.#waiting.push(resolve))
  }

  name(coordinate: string, id: string): void {
    this.named.set(coordinate, (this.named.get(coordinate) ?? new Set()).add(id))
  }

  /** Reads as a client does, after every end from the last cursor on, until all has come that was acknowledged in the end. */
  async read(): Promise<string[]> {
    const ids: string[] = []
    const distinct = new Set<string>()
    const isComplete = (reader?: StreamReader): boolean => {
      if (!this.complete) return false
      const got = new Set(reader?.messages.map(({ id }) => id))
      return [...this.acknowledged.keys()].every((id) => distinct.has(id) || got.has(id))
    }
    for (let query = 'from=start'; !isComplete(); ) {
      const reader = await StreamReader.open(`${this.#url}/stream?${query}`).catch(() => delay(20))
      if (!reader) continue
      await reader.until(isComplete).catch(() => undefined)
      reader.stop()
      const { messages, events } = reader
      for (const { id } of messages) {
        ids.push(id)
        distinct.add(id)
      }
      const cursor = lastCursor(events)
      if (cursor !== undefined) query = `after=${cursor}`
    }
    return ids
  }

  async history(): Promise<string[]> {
    const ids: string[] = []
    for (let query = ''; ; ) {
      const response = await fetch(`${this.#url}/messages?limit=500${query}`)
      if (!response.ok) throw new Error(`${response.status} ${await response.text()}`)
      const page = (await response.json()) as { items: { id: string }[]; next: string | null }
      ids.push(...page.items.map(({ id }) => id))
      if (page.next === null) return ids
      query = `&before=${page.next}`
    }
  }

  async #untilTaken({ id, body }: Published): Promise<void> {
    for (;;) {
      const response = await fetch(this.#url, { method: 'POST', headers: { 'content-type': 'application/json' }, body })
      const answer = (await response.json()) as { code?: string; retryable?: boolean; receipt?: { incarnation: number; n: number } }
      if (response.ok && answer.receipt) {
        this.acknowledged.set(id, { ...answer.receipt, at: performance.now() })
        for (const resolve of this.#waiting.splice(0)) resolve()
        return
      }
      if (answer.code !== 'store_unavailable' || answer.retryable !== true) throw new Error(`${response.status} ${answer.code}`)
      this.refused++
      await delay(20)
    }
  }
}

function lastCursor(events: readonly StreamEvent[]): string | undefined {
  const last = events.findLast((event) => 'cursor' in event)
  return last && 'cursor' in last ? last.cursor : undefined
}

/**
 * Kills the master that a server's store lies on while clients publish and read, at a moment that the seed decides, and starts it again once
 * another was elected.
 */
export async function failOver(group: RedisGroup, { seed, replicas, behind }: FailoverOptions): Promise<FailoverReport> {
  const random = new Random(seed)
  const prefix = `dred:{failover ${seed} ${random.below(1e9)}}:`
  const [replica] = await group.replicasOf(prefix, 1)
  const store = await openRedisStore({ ...group.address, prefix, replicas, replicaTimeoutMs: 300 })
  // What is older than a few seconds is forgotten at a purge: a slow machine shall not make that a loss.
  const node = await startTestNode({ purgeEveryMs: 600_000, keepaliveMs: 500 }, { store })
  const signer = await testSigner()
  const trial = new Trial(`${node.url}/channel/${await createChannel(node.url, signer)}`, signer)
  store.onAppended(({ id, coordinate }) => trial.name(`${coordinate.incarnation}-${coordinate.n}`, id))

  const readers = [trial.read(), trial.read()]
  const length = behind ? BEHIND.text : random.below(2_000)
  const publishers = Array.from({ length: PUBLISHERS }, (_, i) => trial.publish(`${seed}.${i}`, length))

  const master = await group.masterOf(prefix)
  await trial.until(20 + random.below(behind ? BEHIND.before : 400))
  if (behind) {
    replica?.freeze()
    await (replicas === 0 ? trial.until(BEHIND.messages) : delay(BEHIND.ms))
  }
  await delay(random.below(20))
  await master.kill()
  replica?.thaw()
  await group.masterOf(prefix, master)
  // Without a replica to wait for, it is missed by nobody for a while.
  if (replicas === 0) await trial.until(random.below(300))
  await master.restart()
  await trial.until(100 + random.below(300))
  trial.over = true
  await Promise.all(publishers)
  trial.complete = true
  const read = await Promise.all(readers)
  await group.replicasOf(prefix, 1)

  let history = await trial.history()
  // What Redis had lost is stored again one after the other, beside what is published meanwhile.
  for (const end = performance.now() + RESTORED_MS; missing([...trial.acknowledged.keys()], new Set(history)).length > 0; ) {
    if (performance.now() > end) break
    await delay(100)
    history = await trial.history()
  }
  for (const origin of (await store.vector()).origins) {
    const [server = 0, incarnation = 0] = origin.split('-').map(Number)
    for (const entry of await store.readOrigin({ server, incarnation, from: 1, to: 1_000_000 }, 1_000_000)) {
      if (entry.kind !== 'gone') trial.name(`${incarnation}-${entry.coordinate.n}`, entry.id)
    }
  }
  await node.close()
  return reportOf(trial, history, read)
}

function reportOf(trial: Trial, history: string[], read: string[][]): FailoverReport {
  const kept = new Set(history)
  const ids = [...trial.acknowledged.keys()]
  const coordinates = new Map([...trial.named].flatMap(([coordinate, named]) => Array.from(named, (id) => [id, coordinate] as const)))
  const times = Array.from(trial.acknowledged.values(), ({ at }) => at)
  return {
    acknowledged: ids.length,
    lost: missing(ids, kept),
    twice: repeatedOf(history),
    ambiguous: [...trial.named].filter(([, named]) => named.size > 1).map(([coordinate]) => coordinate),
    missed: read.flatMap((got) => missing(ids, new Set(got))),
    repeated: read.flatMap(repeatedOf),
    offeredAgain: [...trial.acknowledged].filter(([id, { incarnation, n }]) => coordinates.get(id) !== `${incarnation}-${n}`).length,
    refused: trial.refused,
    outageMs: Math.round(Math.max(...times.map((at, i) => at - (times[i - 1] ?? at)))),
  }
}

/** With a replica to wait for nothing is even seen twice; without, what Redis had lost is stored again, and so read again. */
export function faultsOf(report: FailoverReport, replicas: number): string[] {
  const { lost, twice, ambiguous, missed, repeated, offeredAgain } = report
  const faults = Object.entries({ lost, twice, ambiguous, missed, ...(replicas > 0 ? { repeated } : {}) })
  const found = faults.flatMap(([name, ids]) => (ids.length > 0 ? `${ids.length} ${name}` : []))
  return replicas > 0 && offeredAgain > 0 ? [...found, `${offeredAgain} lost by Redis`] : found
}

function missing(ids: readonly string[], from: ReadonlySet<string>): string[] {
  return ids.filter((id) => !from.has(id))
}

function repeatedOf(ids: readonly string[]): string[] {
  const seen = new Set<string>()
  return ids.filter((id) => seen.size === seen.add(id).size)
}
