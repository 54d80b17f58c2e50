import {
  generateDeviceKey,
  type MessagePage,
  type PublishResult,
  routeUrl,
  type Signer,
  type StreamEvent,
  signGenesis,
  signMessage,
  webCryptoSigner,
} from '@dred/protocol'
import type { Host } from './neighborhood.ts'

/** Of a message in canonical form, all but its padding, about. */
const ENVELOPE_BYTES = 330
const PUBLISH_TIMEOUT_MS = 5_000
/** Of what has to succeed. */
const CALL_TIMEOUT_MS = 30_000
const RECONNECT_MS = 100
/** A stream on which nothing came for so long, keepalives included, is opened anew. */
const SILENT_MS = 20_000

/** A message that was handed to a server. Times in milliseconds of one clock. */
export interface Published {
  id: string
  server: number
  prev: string[]
  at: number
  /** When the server said that it has it durably, if it did. */
  acknowledgedAt?: number
  /** Why not, if it did not: a status, or the name of an error. */
  failure?: string
}

/** Everything that one reader was given: message id → times of arrival, in the order of first arrival. */
export type Received = Map<string, number[]>

/** Writers and readers of one channel at every server of a neighborhood, by HTTP alone. */
export class Clients {
  readonly published: Published[] = []
  readonly received = new Map<number, Received>()
  readonly #hosts: readonly Host[]
  readonly #signer: Signer
  readonly #channel: string
  readonly #padding: string
  readonly #stopped = new AbortController()
  readonly #streams: Promise<void>[] = []
  /** What was read last at each server. */
  readonly #last = new Map<number, string>()

  private constructor(hosts: readonly Host[], signer: Signer, { channel, padding }: { channel: string; padding: string }) {
    this.#hosts = hosts
    this.#signer = signer
    this.#channel = channel
    this.#padding = padding
  }

  /** Creates a channel at the first server, waits until all have it and reads it at each of them. @param bodyBytes of a message, about */
  static async open(hosts: readonly Host[], neighborhood: string, bodyBytes: number): Promise<Clients> {
    const signer = await webCryptoSigner(await generateDeviceKey({ extractable: false }))
    const salt = crypto.getRandomValues(new Uint8Array(16))
    const { id, genesis } = await signGenesis(signer, { neighborhood, createdAt: Date.now(), salt, name: 'load', idleMs: 3_600_000 })
    const [first] = hosts
    if (!first) throw new Error('There is no server')
    const created = await call(routeUrl(first.endpoint, 'createChannel', { params: { id } }), { method: 'PUT', body: genesis })
    if (!created.ok) throw new Error(`The channel was not created: ${created.status} ${await created.text()}`)
    const clients = new Clients(hosts, signer, { channel: id, padding: 'x'.repeat(Math.max(0, bodyBytes - ENVELOPE_BYTES)) })
    await Promise.all(hosts.map((host) => clients.#follow(host)))
    return clients
  }

  /** Hands a new message, which follows the last one read there, to a server. Resolves with its answer or without one. */
  async publish(server: number): Promise<Published> {
    const host = this.#host(server)
    const last = this.#last.get(server)
    const prev = last === undefined ? [] : [last]
    const content = { message: { padding: this.#padding }, sentAt: Date.now(), prev, nonce: crypto.randomUUID() }
    const { id, signed } = await signMessage(this.#signer, this.#channel, content)
    const published: Published = { id, server, prev, at: performance.now() }
    this.published.push(published)
    try {
      const response = await call(routeUrl(host.endpoint, 'publish', { params: { id: this.#channel } }), {
        method: 'POST',
        body: signed,
        timeoutMs: PUBLISH_TIMEOUT_MS,
      })
      const answer = (await response.json()) as PublishResult
      if (response.status === 201 && answer.id === id) published.acknowledgedAt = performance.now()
      else published.failure = `${response.status}`
    } catch (error) {
      // Killed, stopped or cut off: whether it has the message nobody knows.
      published.failure = error instanceof Error ? error.name : String(error)
    }
    return published
  }

  /** Ids of the channel's history at a server, oldest first, as often as they are there. */
  async history(server: number): Promise<string[]> {
    const ids: string[] = []
    let before: string | undefined
    do {
      const query = { limit: 500, before }
      const response = await call(routeUrl(this.#host(server).endpoint, 'channelMessages', { params: { id: this.#channel }, query }))
      if (!response.ok) throw new Error(`Server ${server} does not give its history: ${response.status} ${await response.text()}`)
      const page = (await response.json()) as MessagePage
      ids.unshift(...page.items.map((item) => item.id))
      before = page.next ?? undefined
    } while (before !== undefined)
    return ids
  }

  /** Resolves with true when every reader was given every one of these messages, with false at the end of the time. */
  async everywhere(messages: readonly Published[], timeoutMs: number): Promise<boolean> {
    const everything = (): boolean => this.#hosts.every(({ id }) => messages.every((message) => this.received.get(id)?.has(message.id)))
    const end = performance.now() + timeoutMs
    while (!everything()) {
      if (performance.now() > end) return false
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
    return true
  }

  async close(): Promise<void> {
    this.#stopped.abort()
    await Promise.all(this.#streams)
  }

  #host(server: number): Host {
    const host = this.#hosts.find(({ id }) => id === server)
    if (!host) throw new Error(`There is no server ${server}`)
    return host
  }

  /** Reads the channel at a server until the end, and goes on after the last cursor when the stream breaks. Resolves with the first event. */
  #follow(host: Host): Promise<void> {
    const received: Received = new Map()
    this.received.set(host.id, received)
    return new Promise((resolve) => {
      let cursor: string | undefined
      const handle = (event: StreamEvent): void => {
        resolve()
        if ('cursor' in event && event.cursor !== undefined) cursor = event.cursor
        if (event.type !== 'message') return
        received.set(event.id, [...(received.get(event.id) ?? []), performance.now()])
        this.#last.set(host.id, event.id)
      }
      const again = async (): Promise<void> => {
        while (!this.#stopped.signal.aborted) {
          const query = cursor === undefined ? { from: 'start' } : { after: cursor }
          await this.#read(routeUrl(host.endpoint, 'streamChannel', { params: { id: this.#channel }, query }), handle).catch(
            () => undefined,
          )
          await new Promise((wait) => setTimeout(wait, RECONNECT_MS))
        }
      }
      this.#streams.push(again())
    })
  }

  async #read(url: string, handle: (event: StreamEvent) => void): Promise<void> {
    const silent = new AbortController()
    const timer = setTimeout(() => silent.abort(), SILENT_MS)
    try {
      const response = await fetch(url, { signal: AbortSignal.any([this.#stopped.signal, silent.signal]) })
      if (!response.ok || !response.body) return void (await response.arrayBuffer())
      let rest = ''
      for await (const chunk of response.body.pipeThrough(new TextDecoderStream())) {
        timer.refresh()
        const lines = (rest + chunk).split('\n')
        rest = lines.pop() ?? ''
        for (const line of lines) if (line !== '') handle(JSON.parse(line) as StreamEvent)
      }
    } finally {
      clearTimeout(timer)
    }
  }
}

interface Call {
  method?: string
  body?: unknown
  timeoutMs?: number
}

function call(url: string, { method = 'GET', body, timeoutMs = CALL_TIMEOUT_MS }: Call = {}): Promise<Response> {
  const signal = AbortSignal.timeout(timeoutMs)
  if (body === undefined) return fetch(url, { method, signal })
  return fetch(url, { method, signal, headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) })
}
