import { maxQueryLength, pageLimits, serverStatuses } from './parameters.ts'
import { problemCodes } from './problems.ts'
import { integer, nullable, object, ref, schemas, text } from './schemas.ts'

const id = { name: 'id', in: 'path', required: true, schema: { type: 'string', pattern: '^[1-9][0-9]{0,9}$' } }
const query = (name: string, schema: object, description: string) => ({ name, in: 'query', required: false, schema, description })
const paging = [
  query('cursor', text, '`next` of the page before'),
  query('limit', { ...integer, minimum: 1, maximum: pageLimits.max, default: pageLimits.default }, 'Most items on the page'),
]

const json = (schema: object) => ({ content: { 'application/json': { schema } } })
const problem = (description: string) => ({ description, content: { 'application/problem+json': { schema: ref('Problem') } } })

/** A GET route whose body carries the block and whose ETag is that block's hash. */
function route(summary: string, properties: Record<string, object>, parameters: object[]) {
  return {
    get: {
      summary,
      parameters: [...parameters, { name: 'If-None-Match', in: 'header', required: false, schema: text }],
      responses: {
        200: {
          description: 'As of `block`',
          headers: { ETag: { schema: text, description: 'Another when a block came or a server lapsed' } },
          ...json(object({ ...properties, block: ref('Block') })),
        },
        304: { description: 'Nothing new: the caller has this answer' },
        400: problem('A parameter or the cursor is not valid'),
        404: problem('There is no such thing'),
        503: problem('stale_chain, chain_unreachable or indexer_starting: the data cannot be trusted to be current'),
      },
    },
  }
}

const page = (item: string) => ({
  items: { type: 'array', items: ref(item) },
  next: { ...nullable(text), description: 'Cursor of the next page' },
})

export const openApiDocument = {
  openapi: '3.1.0',
  info: { title: 'Dred discovery API', version: '1', description: 'Neighborhoods and their servers, indexed from the registries on chain' },
  paths: {
    '/v1/neighborhoods': route('Neighborhoods, oldest first', page('Neighborhood'), [
      query('q', { ...text, maxLength: maxQueryLength }, 'Part of the name, in any case'),
      ...paging,
    ]),
    '/v1/neighborhoods/{id}': route('One neighborhood', { neighborhood: ref('Neighborhood') }, [id]),
    '/v1/neighborhoods/{id}/servers': route('The servers of a neighborhood, in the order of their registration', page('Server'), [
      id,
      query('status', { enum: serverStatuses, default: 'active' }, 'Which servers; active ones whose attestation ran out are lapsed'),
      ...paging,
    ]),
    '/v1/neighborhoods/{id}/history': route('What happened to a neighborhood, oldest first', page('NeighborhoodChange'), [id, ...paging]),
    '/v1/servers/{id}': route('One server', { server: ref('Server') }, [id]),
    '/v1/servers/{id}/history': route('What happened to a server, oldest first', page('ServerChange'), [id, ...paging]),
    '/v1/servers/{id}/keys': route('The keys that a server had and has, oldest first', page('Key'), [id, ...paging]),
    '/v1/servers/{id}/attestations': route('What quorums said about a server, newest first', page('Attestation'), [id, ...paging]),
    '/v1/ready': {
      get: {
        summary: 'Whether the data is of the chain that is there now, and up to date',
        responses: {
          200: {
            description: 'It is',
            ...json(object({ ready: { const: true }, chainId: integer, chainTip: integer, block: ref('Block') })),
          },
          503: problem('It is not, and no other route answers with data'),
        },
      },
    },
    '/problems/{code}': {
      get: {
        summary: "What a problem document's type names: the problem explained",
        parameters: [{ name: 'code', in: 'path', required: true, schema: { enum: problemCodes } }],
        responses: {
          200: {
            description: 'What it means and what to do',
            ...json(object({ code: { enum: problemCodes }, title: text, status: integer, retryable: { type: 'boolean' }, advice: text })),
          },
          404: problem('There is no problem of this code'),
        },
      },
    },
    '/graphql': {
      post: {
        summary: 'The same data by GraphQL, without a block; GET answers with a page to write queries in',
        requestBody: json({ type: 'object', properties: { query: text, variables: { type: 'object' } }, required: ['query'] }),
        responses: { 200: { description: 'The result', ...json({ type: 'object' }) }, 503: problem('As for the other routes') },
      },
    },
  },
  components: { schemas },
}
