import { type Context, Hono, type MiddlewareHandler } from 'hono'
import type { ChainGuard } from './chain-guard.ts'
import { decodeCursor, encodeCursor } from './cursor.ts'
import { changeJson, neighborhoodJson, serverJson } from './json.ts'
import { openApiDocument } from './openapi.ts'
import { parseId, parseLimit, parseQuery, parseStatus } from './parameters.ts'
import { ApiProblem, problemResponse } from './problems.ts'
import type { BlockReference, Snapshot } from './snapshot.ts'
import type { DiscoveryStore, Page } from './store.ts'

export type AppOptions = {
  store: DiscoveryStore
  guard: ChainGuard
  /** Number of the chain's newest block; rejects when the RPC endpoint does not answer. */
  chainTip: () => Promise<number>
  chainId: number
  /** Whether caches may keep an answer for a few seconds. Not on a local chain, where a developer expects to see what was just done. */
  cacheable: boolean
  graphql: MiddlewareHandler
  /** Takes errors that are nobody's request's fault; the caller only sees `internal`. */
  report: (error: Error) => void
}

/** Blocks that the data may lag behind the chain and still count as ready: what a fast chain makes between two polls. */
const READY_LAG_BLOCKS = 50

export function createApp(options: AppOptions): Hono {
  const { store, guard } = options
  const app = new Hono()

  /** Reads at one block that is known to be on the chain: nothing leaves this API without that check. */
  async function readVerified<T>(read: () => Promise<T>): Promise<Snapshot<T>> {
    const snapshot = await store.snapshot(read)
    await guard.verify(snapshot)
    return snapshot
  }

  /** Answers with what `read` gives plus the block it stands at, or 304 if the caller has the answer of that block. */
  async function answer(context: Context, read: () => Promise<Record<string, unknown>>): Promise<Response> {
    const { value, block } = await readVerified(read)
    context.header('ETag', etag(block))
    context.header('Cache-Control', options.cacheable ? 'max-age=15, stale-while-revalidate=60' : 'no-cache')
    context.header('Access-Control-Expose-Headers', 'ETag')
    if (matchesEtag(context.req.header('if-none-match'), etag(block))) return context.body(null, 304)
    return context.json({ ...value, block })
  }

  app.onError((error) => {
    if (error instanceof ApiProblem) return problemResponse(error.code, error.message)
    options.report(error)
    return problemResponse('internal')
  })

  app.get('/v1/ready', async (context) => {
    const [{ block }, tip] = await Promise.all([readVerified(async () => undefined), newestBlock(options)])
    if (tip - block.number > READY_LAG_BLOCKS) throw new ApiProblem('indexer_starting', `${tip - block.number} blocks behind the chain`)
    context.header('Cache-Control', 'no-store')
    return context.json({ ready: true, chainId: options.chainId, chainTip: tip, block })
  })

  app.get('/v1/neighborhoods', (context) => {
    const name = parseQuery(context.req.query('q'))
    const list = createList(context, 'neighborhoods', (row: { id: number }) => String(row.id))
    return answer(context, () => list.read((page) => store.neighborhoods({ ...page, name }), neighborhoodJson))
  })

  app.get('/v1/neighborhoods/:id', (context) => {
    const id = parseId(context.req.param('id'))
    return answer(context, async () => ({ neighborhood: neighborhoodJson(found(await store.neighborhood(id), 'neighborhood')) }))
  })

  app.get('/v1/neighborhoods/:id/servers', (context) => {
    const neighborhood = parseId(context.req.param('id'))
    const status = parseStatus(context.req.query('status'))
    const list = createList(context, `servers/${neighborhood}/${status}`, (row: { id: number }) => String(row.id))
    return answer(context, async () => {
      found(await store.neighborhood(neighborhood), 'neighborhood')
      return list.read((page) => store.servers({ ...page, neighborhood, status }), serverJson)
    })
  })

  app.get('/v1/servers/:id', (context) => {
    const id = parseId(context.req.param('id'))
    return answer(context, async () => ({ server: serverJson(found(await store.server(id), 'server')) }))
  })

  app.get('/v1/servers/:id/history', (context) => {
    const server = parseId(context.req.param('id'))
    const list = createList(context, `history/${server}`, (row: { id: string }) => row.id)
    return answer(context, async () => {
      found(await store.server(server), 'server')
      return list.read((page) => store.changes({ ...page, server }), changeJson)
    })
  })

  app.get('/openapi.json', (context) => context.json(openApiDocument))

  app.use('/graphql', async (context, next) => {
    // GET is the page with the query editor; it holds no data.
    if (context.req.method === 'POST') await readVerified(async () => undefined)
    return options.graphql(context, next)
  })

  app.all('*', (context) => {
    const known = context.req.path.startsWith('/v1/') || context.req.path === '/openapi.json'
    return problemResponse(known && !['GET', 'HEAD'].includes(context.req.method) ? 'method_not_allowed' : 'not_found')
  })

  return app
}

async function newestBlock({ chainTip }: AppOptions): Promise<number> {
  try {
    return await chainTip()
  } catch (cause) {
    throw new ApiProblem('chain_unreachable', undefined, { cause })
  }
}

const etag = (block: BlockReference) => `"${block.hash}"`

/** RFC 9110 `If-None-Match`: a list of tags, compared weakly, or `*`. */
function matchesEtag(header: string | undefined, tag: string): boolean {
  const tags = header?.split(',').map((candidate) => candidate.trim().replace(/^W\//, ''))
  return tags !== undefined && (tags.includes(tag) || tags.includes('*'))
}

function found<T>(row: T | undefined, what: string): T {
  if (row === undefined) throw new ApiProblem('not_found', `There is no ${what} with this id`)
  return row
}

/** Reads the page that the request asks for; the arguments are checked at once, before anything is read. */
function createList<Row>(context: Context, name: string, position: (row: Row) => string) {
  const limit = parseLimit(context.req.query('limit'))
  const cursor = context.req.query('cursor')
  const after = cursor === undefined ? undefined : decodeCursor(name, cursor)
  return {
    async read<R extends Row>(rows: (page: Page) => Promise<R[]>, json: (row: R) => unknown) {
      // One row more than asked for tells whether there is a next page.
      const page = await rows({ after, limit: limit + 1 })
      const items = page.slice(0, limit)
      const last = items.at(-1)
      return { items: items.map(json), next: page.length > limit && last !== undefined ? encodeCursor(name, position(last)) : null }
    },
  }
}
