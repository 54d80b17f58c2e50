import { limits, routeUrl, type ServerPublicKey, WellKnown } from '@dred/protocol'
import { DredClientError, toClientError } from './errors.ts'
import type { Storage } from './storage.ts'
import type { Http } from './transport/http.ts'
import { withSignals } from './signals.ts'
import type { Clock } from './clock.ts'

/** A relay server of the neighborhood. */
export interface Server {
  /** Id in the server registry. */
  id: number
  /** Base URL. */
  endpoint: string
}

interface ListedServer extends Server {
  /** With which it signs, as far as whoever lists it says: discovery tells the present one, servers all that are accepted. */
  keys: ServerPublicKey[]
}

type Source = (signal: AbortSignal) => Promise<ListedServer[]>

interface Page<T> {
  items: T[]
  next: string | undefined
}

/** Protocol versions that this client speaks. */
const VERSIONS = [1]
const MAX_PAGES = 20

export interface DiscoveryOptions {
  neighborhood: string
  /** Base URLs of discovery services; a relay server's endpoint will do too. */
  urls: readonly string[]
  http: Http
  clock: Clock
  storage: Storage
  timeoutMs: number
}

/**
 * Finds the active servers of a neighborhood: from the discovery services in turn, else from the `/.well-known/dred` of any server
 * known so far, in this session or (by the storage) an earlier one.
 */
export class Discovery {
  readonly #options: DiscoveryOptions
  readonly #pages = new Map<string, { etag: string; servers: ListedServer[] }>()
  #known: ListedServer[] = []

  constructor(options: DiscoveryOptions) {
    this.#options = options
  }

  /** @throws DredClientError `discovery_unreachable`, `no_servers`, `version_mismatch`, `aborted` */
  async servers(signal: AbortSignal): Promise<Server[]> {
    const { urls } = this.#options
    const errors: DredClientError[] = []
    const services = urls.map((url) => (limited: AbortSignal) => this.#fromDiscovery(url, limited))
    const told = await this.#firstAnswer(services, signal, errors)
    if (told) return this.#remember(told)
    const endpoints = new Set([...(await this.#lastKnown()).map((server) => server.endpoint), ...urls])
    const servers = [...endpoints].map((endpoint) => (limited: AbortSignal) => this.#fromServer(endpoint, limited))
    const relayed = await this.#firstAnswer(servers, signal, errors)
    if (relayed) return this.#remember(relayed)
    throw summary(errors)
  }

  /** The keys of a server as the last list has them. */
  async listedKeys(server: number): Promise<readonly ServerPublicKey[]> {
    return (await this.#lastKnown()).find(({ id }) => id === server)?.keys ?? []
  }

  /** Asks for all keys that speak for a server now. @throws DredClientError as {@link Discovery.servers} */
  async keys(server: number, signal: AbortSignal): Promise<readonly ServerPublicKey[]> {
    const { clock, timeoutMs, urls } = this.#options
    for (const base of urls) {
      const timeout = { clock, ms: timeoutMs }
      const asked = withSignals({ signals: [signal], timeout }, (limited) => this.#keysFrom(base, server, limited))
      const keys = await asked.catch(() => [])
      if (keys.length > 0) return keys
    }
    // Servers list all keys of each other.
    await this.servers(signal)
    return this.listedKeys(server)
  }

  async #keysFrom(base: string, server: number, signal: AbortSignal): Promise<ServerPublicKey[]> {
    const { clock, http } = this.#options
    const request = { url: `${base.replace(/\/$/, '')}/v1/servers/${server}/keys?limit=100`, signal }
    const body = await http.readJson(request, await http.send(request))
    return readPage(body, base, (item) => (acceptedUntil(item) < clock.now() / 1_000 ? [] : readKey(item))).items
  }

  async #firstAnswer(sources: Source[], signal: AbortSignal, errors: DredClientError[]): Promise<ListedServer[] | undefined> {
    const { clock, timeoutMs } = this.#options
    for (const source of sources) {
      try {
        const servers = await withSignals({ signals: [signal], timeout: { clock, ms: timeoutMs } }, source)
        if (servers.length > 0) return servers
        errors.push(new DredClientError('no_servers'))
      } catch (error) {
        if (signal.aborted) throw error
        errors.push(toClientError(error, 'invalid_response'))
      }
    }
    return undefined
  }

  async #fromDiscovery(base: string, signal: AbortSignal): Promise<ListedServer[]> {
    const { http, neighborhood } = this.#options
    const first = `${base.replace(/\/$/, '')}/v1/neighborhoods/${neighborhood}/servers?status=active`
    const cached = this.#pages.get(base)
    const servers: ListedServer[] = []
    let etag: string | null = null
    let url: string | undefined = first
    for (let page = 0; url !== undefined && page < MAX_PAGES; page++) {
      const conditional: Record<string, string> = page === 0 && cached ? { 'if-none-match': cached.etag } : {}
      const request = { url, signal, headers: conditional }
      const response = await http.send(request)
      if (response.status === 304 && cached) return cached.servers
      if (page === 0) etag = response.headers.get('etag')
      const listed: Page<ListedServer> = readPage(await http.readJson(request, response), base, readServer)
      servers.push(...listed.items)
      url = listed.next === undefined ? undefined : `${first}&cursor=${encodeURIComponent(listed.next)}`
    }
    if (etag !== null) this.#pages.set(base, { etag, servers })
    return servers
  }

  async #fromServer(endpoint: string, signal: AbortSignal): Promise<ListedServer[]> {
    const { http, neighborhood } = this.#options
    const answer = await http.json<WellKnown>({ url: routeUrl(endpoint, 'wellKnown'), signal }, WellKnown)
    if (!answer.protocol.versions.some((version) => VERSIONS.includes(version))) {
      throw new DredClientError('version_mismatch', { server: endpoint })
    }
    if (!answer.neighborhoods.includes(neighborhood)) throw new DredClientError('wrong_neighborhood', { server: endpoint })
    return answer.servers.flatMap(readServer)
  }

  async #lastKnown(): Promise<ListedServer[]> {
    if (this.#known.length > 0) return this.#known
    const stored = await this.#options.storage.get(this.#storedAs).catch(() => undefined)
    return Array.isArray(stored) ? stored.flatMap(readServer) : []
  }

  #remember(servers: ListedServer[]): Server[] {
    this.#known = servers.slice(0, limits.servers)
    // Only a convenience for the next start, which goes on without it: nobody waits for it.
    this.#options.storage.set(this.#storedAs, this.#known).catch(() => undefined)
    return this.#known.map(({ id, endpoint }) => ({ id, endpoint }))
  }

  get #storedAs(): string {
    return `dred:servers:${this.#options.neighborhood}`
  }
}

function summary(errors: DredClientError[]): DredClientError {
  const silent = new Set<string>(['network', 'timeout', 'invalid_response', 'not_found'])
  const answers = errors.filter(({ code }) => !silent.has(code))
  const [first] = answers
  const decisive = first && answers.every(({ code }) => code === first.code) ? first : undefined
  const tried = errors.map((error) => `${error.server ?? ''} ${error.code}`.trim()).join(', ')
  return (
    decisive ??
    new DredClientError('discovery_unreachable', { detail: `Nobody told the neighborhood's servers: ${tried}`, cause: errors[0] })
  )
}

function readPage<T>(body: unknown, base: string, read: (item: unknown) => T[]): Page<T> {
  if (typeof body !== 'object' || body === null || !('items' in body) || !Array.isArray(body.items)) {
    throw new DredClientError('invalid_response', { detail: 'The answer is not a list', server: base })
  }
  const next = 'next' in body && typeof body.next === 'string' ? body.next : undefined
  return { items: body.items.flatMap(read), next }
}

/** The entry as a server, or nothing when it is none that can be reached by HTTP at an address to which paths can be added. */
function readServer(entry: unknown): ListedServer[] {
  if (typeof entry !== 'object' || entry === null || !('id' in entry) || !('endpoint' in entry)) return []
  const { id, endpoint } = entry
  if (!(typeof id === 'number' && Number.isSafeInteger(id) && typeof endpoint === 'string' && isBaseUrl(endpoint))) return []
  const keys = 'keys' in entry && Array.isArray(entry.keys) ? entry.keys.flatMap(readKey) : readKey(entry)
  return [{ id, endpoint, keys }]
}

/** Unix seconds; infinite for the present key. */
function acceptedUntil(item: unknown): number {
  return Number((item as { acceptedUntil?: unknown } | null)?.acceptedUntil ?? Number.POSITIVE_INFINITY)
}

function readKey(entry: unknown): ServerPublicKey[] {
  const { keyX, keyY } = (entry ?? {}) as Record<string, unknown>
  return isWord(keyX) && isWord(keyY) ? [{ keyX, keyY }] : []
}

function isWord(value: unknown): value is string {
  return typeof value === 'string' && /^0x[0-9a-f]{64}$/i.test(value)
}

/** Whether a text is an http(s) URL to which paths can be added: without a query, a fragment or credentials. */
export function isBaseUrl(text: string): boolean {
  if (!URL.canParse(text) || /[?#]/.test(text)) return false
  const { protocol, username, password } = new URL(text)
  return (protocol === 'http:' || protocol === 'https:') && username === '' && password === ''
}
