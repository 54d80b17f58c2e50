import { type Context, Hono, type MiddlewareHandler } from 'hono'
import type { ChainGuard } from './chain-guard.ts'
import { decodeCursor, encodeCursor } from './cursor.ts'
import { attestationJson, keyJson, neighborhoodChangeJson, neighborhoodJson, serverChangeJson, serverJson } from './json.ts'
import { openApiDocument } from './openapi.ts'
import { parseId, parseLimit, parseQuery, parseStatus } from './parameters.ts'
import { ApiProblem, explainProblem, problemResponse } from './problems.ts'
import type { Snapshot } from './snapshot.ts'
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
  // A trailing slash is ignored, as by the servers.
  const app = new Hono({ strict: false })

  /** Nothing leaves this API before the block it stands at was found on the chain. */
  async function verified<S extends Snapshot<unknown>>(reading: Promise<S>): Promise<S> {
    const snapshot = await reading
    await guard.verify(snapshot)
    return snapshot
  }

  const answer: Answer = async (context, reading, body) => {
    const snapshot = await verified(reading)
    const { block } = snapshot
    const tag = entityTag(snapshot)
    // Before the condition, so that what is not there is 404 under any.
    const content = body(snapshot)
    context.header('ETag', tag)
    context.header('Cache-Control', options.cacheable ? 'max-age=15, stale-while-revalidate=60' : 'no-cache')
    context.header('Access-Control-Expose-Headers', 'ETag')
    if (matchesEtag(context.req.header('if-none-match'), tag)) return context.body(null, 304)
    return context.json({ ...content, block })
  }

  app.onError((error) => {
    if (error instanceof ApiProblem) return problemResponse(error.code, error.detail)
    options.report(error)
    return problemResponse('internal')
  })

  app.get('/v1/ready', async (context) => {
    const [{ block }, tip] = await Promise.all([verified(store.standing()), newestBlock(options)])
    if (tip - block.number > READY_LAG_BLOCKS) throw new ApiProblem('indexer_starting', `${tip - block.number} blocks behind the chain`)
    context.header('Cache-Control', 'no-store')
    return context.json({ ready: true, chainId: options.chainId, chainTip: tip, block })
  })

  addDataRoutes(app, { store, answer })

  app.get('/openapi.json', (context) => context.json(openApiDocument))

  app.get('/problems/:code', (context) => {
    const explained = explainProblem(context.req.param('code'))
    return explained ? context.json(explained) : problemResponse('not_found')
  })

  app.use('/graphql', async (context, next) => {
    // GET is the page with the query editor; it holds no data.
    if (context.req.method === 'POST') await verified(store.standing())
    return options.graphql(context, next)
  })

  app.all('*', (context) => {
    const known = context.req.path.startsWith('/v1/') || context.req.path === '/openapi.json'
    return problemResponse(known && !['GET', 'HEAD'].includes(context.req.method) ? 'method_not_allowed' : 'not_found')
  })

  return app
}

/** Answers with a body made of what was read plus the block it stands at. */
type Answer = <S extends Snapshot<unknown>>(context: Context, reading: Promise<S>, body: (snapshot: S) => object) => Promise<Response>

/** The routes whose answers change with the chain. Parameters are checked before anything is read. */
function addDataRoutes(app: Hono, { store, answer }: { store: DiscoveryStore; answer: Answer }): void {
  app.get('/v1/neighborhoods', (context) => {
    const name = parseQuery(context.req.query('q'))
    const list = parsePage(context, 'neighborhoods')
    return answer(context, store.neighborhoods({ ...list.page, name }), ({ rows }) => list.body(rows, neighborhoodJson))
  })

  app.get('/v1/neighborhoods/:id', (context) => {
    const id = parseId(context.req.param('id'))
    return answer(context, store.neighborhood(id), ({ rows: [row] }) => ({
      neighborhood: neighborhoodJson(row ?? missing('neighborhood')),
    }))
  })

  app.get('/v1/neighborhoods/:id/servers', (context) => {
    const neighborhood = parseId(context.req.param('id'))
    const status = parseStatus(context.req.query('status'))
    const list = parsePage(context, `servers/${neighborhood}/${status}`)
    return answer(context, store.servers({ ...list.page, neighborhood, status }), ({ rows, known, at }) =>
      known ? list.body(rows, (row) => serverJson(row, at)) : missing('neighborhood'),
    )
  })

  app.get('/v1/neighborhoods/:id/history', (context) => {
    const neighborhood = parseId(context.req.param('id'))
    const list = parsePage(context, `neighborhood-history/${neighborhood}`)
    return answer(context, store.neighborhoodChanges({ ...list.page, neighborhood }), ({ rows, known }) =>
      known ? list.body(rows, neighborhoodChangeJson) : missing('neighborhood'),
    )
  })

  app.get('/v1/servers/:id', (context) => {
    const id = parseId(context.req.param('id'))
    return answer(context, store.server(id), ({ rows: [row], at }) => ({ server: serverJson(row ?? missing('server'), at) }))
  })

  app.get('/v1/servers/:id/history', (context) => {
    const server = parseId(context.req.param('id'))
    const list = parsePage(context, `history/${server}`)
    return answer(context, store.serverChanges({ ...list.page, server }), ({ rows, known }) =>
      known ? list.body(rows, serverChangeJson) : missing('server'),
    )
  })

  app.get('/v1/servers/:id/keys', (context) => {
    const server = parseId(context.req.param('id'))
    const list = parsePage(context, `keys/${server}`)
    return answer(context, store.keys({ ...list.page, server }), ({ rows, known }) =>
      known ? list.body(rows, keyJson) : missing('server'),
    )
  })

  app.get('/v1/servers/:id/attestations', (context) => {
    const server = parseId(context.req.param('id'))
    const list = parsePage(context, `attestations/${server}`)
    return answer(context, store.attestations({ ...list.page, server }), ({ rows, known }) =>
      known ? list.body(rows, attestationJson) : missing('server'),
    )
  })
}

async function newestBlock({ chainTip }: AppOptions): Promise<number> {
  try {
    return await chainTip()
  } catch (cause) {
    throw new ApiProblem('chain_unreachable', undefined, { cause })
  }
}

/** The same tag means the same answer to every request: neither has a block come nor a server lapsed by the passing of time. */
function entityTag({ block, lastExpiry }: Snapshot<unknown>): string {
  return lastExpiry === null ? `"${block.hash}"` : `"${block.hash}-${lastExpiry}"`
}

/** RFC 9110 `If-None-Match`: a list of tags, compared weakly, or `*`. */
function matchesEtag(header: string | undefined, tag: string): boolean {
  const tags = header?.split(',').map((candidate) => candidate.trim().replace(/^W\//, ''))
  return tags !== undefined && (tags.includes(tag) || tags.includes('*'))
}

function missing(what: string): never {
  throw new ApiProblem('not_found', `There is no ${what} with this id`)
}

/** The page that a request asks for, and its body. One row more than asked for tells whether there is a next page. */
function parsePage(context: Context, list: string) {
  const limit = parseLimit(context.req.query('limit'))
  const cursor = context.req.query('cursor')
  const page: Page = { after: cursor === undefined ? undefined : decodeCursor(list, cursor), limit: limit + 1 }
  return {
    page,
    body<Row extends { id: number | string }>(rows: Row[], json: (row: Row) => object) {
      const items = rows.slice(0, limit)
      const last = items.at(-1)
      return { items: items.map(json), next: rows.length > limit && last !== undefined ? encodeCursor(list, String(last.id)) : null }
    },
  }
}
