import type { Random } from '@dred/protocol/testing/random'
import type { FuzzedServer } from './fuzzed-server.ts'
import { judge } from './judge.ts'
import { mutateBytes } from './mutate.ts'
import { exchange } from './raw-http.ts'
import { hostileRequest, type Request, serialize } from './requests.ts'
import { count, Finding, type Target } from './target.ts'

/** For an answer to a whole request, and to what may not be one. */
const PATIENCE = { whole: { silentMs: 10_000, ends: false }, mangled: { silentMs: 250, ends: true } }
const CLOSE: [string, string] = ['connection', 'close']

/** HTTP/1.1: mutated requests of every route, bytes that are nearly a request, several in one, and framing that says two things. */
export class Http implements Target {
  readonly outcomes = new Map<string, number>()
  /** Requests; a mangled one may be more or less than one. */
  cases = 0
  readonly #server: FuzzedServer
  readonly #url: URL

  constructor(server: FuzzedServer) {
    this.#server = server
    this.#url = new URL(server.url)
  }

  async run(random: Random): Promise<void> {
    const request = await hostileRequest(this.#server, random)
    // What is answered to HEAD announces a body that does not come.
    if (random.chance(0.65) || request.method === 'HEAD')
      return this.#ask(serialize({ ...request, headers: [...request.headers, CLOSE] }), request)
    const kind = random.below(4)
    if (kind === 0) {
      const others = await Promise.all(Array.from({ length: 1 + random.below(3) }, () => hostileRequest(this.#server, random)))
      this.cases += others.length
      const bytes = [...others, request].filter(({ method }) => method !== 'HEAD').map(serialize)
      return this.#ask(Buffer.concat(bytes), undefined)
    }
    if (kind === 1) return this.#ask(ambiguous(request, random), undefined)
    return this.#ask(mutateBytes(serialize(request), random), undefined)
  }

  /** @param whole the request that the bytes are, if that is certain */
  async #ask(bytes: Buffer, whole: Request | undefined): Promise<void> {
    this.cases++
    const isAnswered = whole !== undefined && !mayBeSilent(whole)
    const answers = await exchange(this.#url, bytes, isAnswered ? PATIENCE.whole : PATIENCE.mangled)
    if (answers.length === 0) {
      if (isAnswered) throw new Finding(`No answer to ${bytes.subarray(0, 2_000).toString('latin1')}`)
      count(this.outcomes, 'http: no answer')
    }
    for (const answer of answers) count(this.outcomes, `http: ${judge(answer, whole?.route)}`)
  }
}

/** What has no body in its answer, or asks for an answer that is late. */
function mayBeSilent({ method, path }: Request): boolean {
  return method === 'HEAD' || path.includes('waitMs') || path.includes('stored')
}

/** One body in two ways, or in a way that is no way. */
function ambiguous({ method, path, headers, body = 'x' }: Request, random: Random): Buffer {
  const lines = headers.map(([name, value]) => `${name}: ${value}\r\n`).join('')
  const length = Buffer.byteLength(body)
  const smuggled = `GET /smuggled HTTP/1.1\r\nhost: x\r\n\r\n`
  const framings = [
    `content-length: ${length}\r\ntransfer-encoding: chunked\r\n\r\n${length.toString(16)}\r\n${body}\r\n0\r\n\r\n`,
    `content-length: ${length}\r\ncontent-length: ${length + 1}\r\n\r\n${body}`,
    `transfer-encoding: chunked, identity\r\n\r\n${length.toString(16)}\r\n${body}\r\n0\r\n\r\n`,
    `transfer-encoding:\tchunked\r\n\r\n${length.toString(16)};ext=${'x'.repeat(random.below(2_000))}\r\n${body}\r\n0\r\ntrailer: x\r\n\r\n`,
    `transfer-encoding: chunked\r\n\r\n-1\r\n${body}\r\n0\r\n\r\n`,
    `transfer-encoding: chunked\r\n\r\nffffffffffffffff\r\n${body}`,
    `content-length: +${length}\r\n\r\n${body}`,
    `content-length: ${'9'.repeat(30)}\r\n\r\n${body}`,
    `content-length: -1\r\n\r\n${body}`,
    `content-length : ${length}\r\n\r\n${body}`,
    `content-length: 0\r\n\r\n${smuggled}`,
    ` folded: yes\r\ncontent-length: ${length}\r\n\r\n${body}`,
    `a: ${'x'.repeat(random.below(40_000))}\r\ncontent-length: ${length}\r\n\r\n${body}`,
    `${'a: b\r\n'.repeat(random.below(3_000))}content-length: ${length}\r\n\r\n${body}`,
  ]
  return Buffer.from(`${method} ${path} HTTP/1.1\r\n${lines}${random.pick(framings)}`)
}
