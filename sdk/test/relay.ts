import { createServer, type IncomingMessage, type Server as HttpServer, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import {
  type Ack,
  type Coordinate,
  DredError,
  encodeCursor,
  type MessageBatch,
  originOf,
  type Receipt,
  serversFor,
  type ServerPublicKey,
  type StoredEvent,
  type VerifiedMessage,
  verifyGenesis,
  verifyMessage,
  type VersionVector,
} from '@dred/protocol'
import { ChannelLogs, type Logged } from './channel-logs.ts'
import type { Faults } from './faults.ts'
import { serverKey, type TestKey } from './server-key.ts'

interface Follower {
  channel: string
  position: VersionVector
  receipts: boolean
  response: ServerResponse
  sent: number
  stuck: boolean
}

/** A relay server with an in-memory log that speaks the protocol and fails on demand. */
export class Relay {
  readonly id: number
  faults: Faults = {}
  /** Relays that this one pushes what it stores to. */
  readonly peers = new Set<Relay>()
  /** Relays that push in vain. */
  readonly #muted = new Set<Relay>()
  readonly channels = new ChannelLogs()
  readonly requests: string[] = []
  readonly known: { id: number; endpoint: string; keys?: ServerPublicKey[] }[] = []
  /** The key that the registry has. */
  key: TestKey | undefined
  neighborhoods = ['7']
  versions = [1]
  readonly #keepaliveMs: number
  readonly #followers = new Set<Follower>()
  readonly #sockets = new Set<Socket>()
  #incarnation = 1_000
  #count = 0
  #server: HttpServer | undefined
  #port = 0

  constructor(id: number, options: { keepaliveMs: number }) {
    this.id = id
    this.#keepaliveMs = options.keepaliveMs
  }

  get endpoint(): string {
    return `http://127.0.0.1:${this.#port}`
  }

  get openStreams(): number {
    return this.#followers.size
  }

  /** Bytes that the readers of the streams have not taken yet. */
  get unreadBytes(): number {
    return [...this.#followers].reduce((sum, { response }) => sum + response.writableLength, 0)
  }

  requestsTo(text: string): number {
    return this.requests.filter((line) => line.includes(text)).length
  }

  /** Listens; again on the same port after `kill`, with a new incarnation and what it had stored. */
  async start(): Promise<void> {
    this.key ??= await serverKey()
    this.#incarnation++
    this.#count = 0
    const server = createServer((request, response) => {
      this.#route(request, response).catch((error: unknown) => this.#problem(response, error))
    })
    server.on('connection', (socket) => {
      this.#sockets.add(socket)
      socket.on('close', () => this.#sockets.delete(socket))
    })
    server.listen(this.#port, '127.0.0.1')
    await new Promise((resolve) => server.once('listening', resolve))
    this.#port = (server.address() as AddressInfo).port
    this.#server = server
    for (const peer of this.peers) {
      if (!peer.isUp) continue
      peer.#giveAll(this)
      this.#giveAll(peer)
    }
  }

  get isUp(): boolean {
    return this.#server !== undefined
  }

  #giveAll(peer: Relay): void {
    peer.channels.merge(this.channels, (logged) => peer.replicate(logged))
  }

  /** Dies: every connection is cut, nothing is said. */
  async kill(): Promise<void> {
    const server = this.#server
    this.#server = undefined
    if (!server) return
    const closed = new Promise((resolve) => server.close(resolve))
    for (const socket of this.#sockets) socket.destroy()
    await closed
  }

  async #route(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', 'http://relay')
    this.requests.push(`${request.method} ${request.url}`)
    if (this.faults.delayMs) await delay(this.faults.delayMs)
    if (this.faults.answer?.(request, response)) return
    const { refuse } = this.faults
    if (refuse && refuse.times > 0 && url.pathname.includes(refuse.path)) {
      refuse.times--
      if (refuse.retryAfter !== undefined) response.setHeader('retry-after', refuse.retryAfter)
      throw new DredError(refuse.code)
    }
    const [, first, id = '', action] = url.pathname.split('/')
    if (first === '.well-known') return this.#json(response, 200, this.#wellKnown())
    if (first === 'channels')
      return this.#json(response, 200, { items: this.channels.ids.map((key) => this.channels.describe(key)), next: null })
    if (first !== 'channel') throw new DredError('not_found')
    if (request.method === 'PUT') return this.#create(request, response, id)
    if (request.method === 'POST') return this.#publish(request, response, { id, query: url.searchParams, isBatch: action === 'messages' })
    if (action === 'stream') return this.#stream(request, response, { id, query: url.searchParams })
    if (action === 'messages') return this.#json(response, 200, this.channels.page(id, url.searchParams))
    return this.#json(response, 200, this.channels.describe(id))
  }

  async #create(request: IncomingMessage, response: ServerResponse, id: string): Promise<void> {
    const { genesis } = await verifyGenesis(await readJson(request), id)
    const isNew = this.channels.adopt(id, genesis)
    for (const peer of this.peers) if (peer.isUp) peer.channels.adopt(id, genesis)
    this.#json(response, isNew ? 201 : 200, this.channels.describe(id))
  }

  async #publish(
    request: IncomingMessage,
    response: ServerResponse,
    { id, query, isBatch }: { id: string; query: URLSearchParams; isBatch: boolean },
  ): Promise<void> {
    this.channels.of(id)
    const body = await readJson(request)
    const goal = serversFor(ackOf(query.get('stored')), this.#servers)
    if (goal > this.#servers) throw new DredError('malformed_request', { detail: `stored may be at most ${this.#servers}` })
    const taken = await Promise.allSettled(
      (isBatch ? (body as MessageBatch).messages : [body]).map((message) => verifyMessage(id, message)),
    )
    const stored = taken.map((message) => (message.status === 'fulfilled' ? this.#store(id, message.value) : asDredError(message.reason)))
    if ((this.faults.cutAnswers ?? 0) > 0) {
      this.faults.cutAnswers = (this.faults.cutAnswers ?? 0) - 1
      response.destroy()
      return
    }
    const until = performance.now() + Number(query.get('waitMs') ?? 0)
    const results = []
    for (const one of stored) {
      if (one instanceof DredError) {
        if (!isBatch) throw one
        results.push({ status: one.status, problem: one.toProblem('request-1') })
        continue
      }
      const { message, coordinate, isNew } = one
      while (this.#storedOn(message.id, coordinate) < goal && performance.now() < until) await delay(2)
      const receipt = await this.#receipt(message, coordinate)
      results.push({ status: isNew ? 201 : 200, id: message.id, cursor: encodeCursor(id, this.channels.of(id).vector), receipt })
    }
    const [alone] = results
    if (isBatch) this.#json(response, 200, { results })
    else if (alone) this.#json(response, alone.status, { ...alone, status: undefined })
  }

  #store(id: string, message: VerifiedMessage): { message: VerifiedMessage; coordinate: Coordinate; isNew: boolean } | DredError {
    const refusal = this.faults.refuseMessage?.(message)
    if (refusal) return new DredError(refusal)
    const existing = this.channels.of(id).log.find((logged) => logged.message.id === message.id)
    const coordinate = existing?.coordinate ?? { server: this.id, incarnation: this.#incarnation, n: ++this.#count }
    if (!existing) {
      this.replicate({ message, coordinate })
      for (const peer of this.peers) if (peer.isUp && !peer.#muted.has(this)) peer.replicate({ message, coordinate })
    }
    return { message, coordinate, isNew: !existing }
  }

  /** Takes no messages from a relay until it is unmuted, and then all. */
  mute(relay: Relay): void {
    this.#muted.add(relay)
  }

  unmute(relay: Relay): void {
    this.#muted.delete(relay)
    relay.#giveAll(this)
  }

  get #servers(): number {
    return this.peers.size + 1
  }

  /** A relay is told by the others what they have of its present incarnation. */
  #storedOn(id: string, { server, incarnation }: Coordinate): number {
    if (server !== this.id || incarnation !== this.#incarnation) return 1
    return 1 + [...this.peers].filter((peer) => peer.channels.has(id)).length
  }

  async #receipt({ id, channel }: VerifiedMessage, coordinate: Coordinate): Promise<Receipt> {
    const now = Date.now()
    const counts = { stored: this.#storedOn(id, coordinate), servers: this.#servers }
    const receipt = {
      type: 'receipt',
      ...domain,
      signer: this.id,
      channel,
      id,
      ...coordinate,
      acceptedAt: now,
      ...counts,
      signedAt: now,
    } as const
    return { ...(await this.#sign({ ...receipt, ...this.faults.signedReceipt })), ...this.faults.sentReceipt }
  }

  #sign<T extends Parameters<TestKey['sign']>[0]>(statement: T): Promise<T & { signature: string }> {
    const key = this.faults.signsWith ?? this.key
    if (!key) throw new Error('The relay has not been started')
    return key.sign(statement)
  }

  /** Says on streams that ask for it that its messages up to `n` are stored on so many servers. */
  async tellStored(n: number, stored: number, fields: Partial<StoredEvent> = {}): Promise<void> {
    const place = { server: this.id, incarnation: this.#incarnation, n, stored, servers: this.#servers }
    const event = await this.#sign({ type: 'stored', ...domain, ...place, signedAt: Date.now(), ...fields } as const)
    for (const follower of this.#followers) if (follower.receipts) this.#write(follower, event)
  }

  /** Takes a message unless it has it; its coordinate counts either way. */
  replicate(logged: Logged): void {
    if (!this.channels.add(logged)) return
    for (const follower of this.#followers) if (follower.channel === logged.message.channel) this.#send(follower, logged)
  }

  async #stream(request: IncomingMessage, response: ServerResponse, { id, query }: { id: string; query: URLSearchParams }): Promise<void> {
    const state = this.channels.of(id)
    const after = query.get('after')
    const last = query.get('last')
    const position = this.channels.startOf(id, { after, last, from: query.get('from') })
    response.writeHead(200, { 'content-type': 'application/x-ndjson' })
    response.flushHeaders()
    await this.faults.holdOpen
    const follower: Follower = { channel: id, position, receipts: query.get('receipts') === 'stored', response, sent: 0, stuck: false }
    this.#followers.add(follower)
    const cursor = (): string => encodeCursor(id, follower.position)
    const keepalive = setInterval(() => this.#write(follower, { type: 'keepalive', cursor: cursor() }), this.#keepaliveMs)
    response.on('close', () => {
      clearInterval(keepalive)
      this.#followers.delete(follower)
    })
    if (request.destroyed) response.destroy()
    this.#write(follower, { type: 'open', channel: id, server: this.id, cursor: cursor() })
    for (const line of this.faults.says ?? []) response.write(`${JSON.stringify(line)}\n`)
    if (this.faults.close) {
      this.#write(follower, { type: 'close', reason: this.faults.close, retryMs: 10, cursor: cursor() })
      response.end()
      return
    }
    const missed = state.log.filter(({ coordinate }) => !position.has(originOf(coordinate), coordinate.n))
    for (const logged of missed) this.#send(follower, logged)
    follower.position.merge(state.vector)
    this.#write(follower, { type: 'control', cursor: cursor(), caughtUp: true })
  }

  #send(follower: Follower, { message, coordinate }: Logged): void {
    follower.position.raise(originOf(coordinate), coordinate.n)
    follower.sent++
    const head = {
      type: 'message',
      id: message.id,
      sig: message.sig,
      cursor: encodeCursor(message.channel, follower.position),
      origin: coordinate,
    }
    const event = { ...head, ...(JSON.parse(message.canonical) as Record<string, unknown>) }
    this.#write(follower, this.faults.corrupt?.(event) ?? event)
  }

  #write(follower: Follower, event: Record<string, unknown>): void {
    // What follows a lost segment does not arrive either.
    follower.stuck ||= this.faults.silent === true
    if (follower.stuck) return
    const line = `${JSON.stringify(event)}\n`
    if (event['type'] === 'message' && follower.sent === this.faults.cutMidLineAt) {
      delete this.faults.cutMidLineAt
      follower.response.write(line.slice(0, line.length / 2), () => follower.response.destroy())
      this.#followers.delete(follower)
      return
    }
    follower.response.write(line)
  }

  #wellKnown(): unknown {
    return {
      protocol: { versions: this.versions },
      software: { name: 'test', version: '0' },
      server: { id: this.id, keyId: 'key', publicKey: { x: 'x', y: 'y' }, incarnation: this.#incarnation },
      chain: { id: 1, serverRegistry: '0x' },
      neighborhoods: this.neighborhoods,
      limits: { messageBytes: 65_536, pageItems: 500 },
      servers: this.known.map((entry) => ({ keys: [], ...entry, operator: '0x', keyId: 'key', did: 'did:web:test' })),
      time: Date.now(),
    }
  }

  #json(response: ServerResponse, status: number, body: unknown): void {
    response.writeHead(status, { 'content-type': 'application/json' })
    response.end(JSON.stringify(body))
  }

  #problem(response: ServerResponse, error: unknown): void {
    const problem = asDredError(error)
    if (!response.headersSent) response.writeHead(problem.status, { 'content-type': 'application/problem+json' })
    response.end(JSON.stringify(problem.toProblem('request-1')))
  }
}

const domain = { v: 1, chainId: 1, serverRegistry: `0x${'00'.repeat(20)}` } as const

function ackOf(stored: string | null): Ack {
  if (stored === null) return 'accepted'
  return stored === 'quorum' || stored === 'all' ? stored : Number(stored)
}

async function readJson(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return JSON.parse(Buffer.concat(chunks).toString()) as unknown
}

function asDredError(error: unknown): DredError {
  return error instanceof DredError ? error : new DredError('internal', { cause: error })
}
