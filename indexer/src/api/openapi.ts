import { maxQueryLength, pageLimits, serverStatuses } from './parameters.ts'
import { problemCodes } from './problems.ts'

const text = { type: 'string' }
const integer = { type: 'integer' }
const account = { type: 'string', pattern: '^0x[0-9a-fA-F]{40}$', description: 'An account, with the EIP-55 checksum' }
const bytes32 = { type: 'string', pattern: '^0x[0-9a-f]{64}$' }
const amount = { type: 'string', pattern: '^[0-9]+$', description: "In the token's smallest unit, decimal" }
const nullable = (schema: object) => ({ oneOf: [schema, { type: 'null' }] })
const ref = (name: string) => ({ $ref: `#/components/schemas/${name}` })

const object = (properties: Record<string, object>) => ({ type: 'object', properties, required: Object.keys(properties) })

const schemas = {
  Block: { ...object({ number: integer, hash: bytes32 }), description: 'The block that the data stands at' },
  Neighborhood: object({
    id: { ...text, description: 'Registry id, decimal' },
    owner: account,
    name: { ...text, description: 'Not unique' },
    uri: text,
    contentHash: bytes32,
    createdAtBlock: integer,
    parameters: object({
      stakeToken: account,
      minStake: amount,
      unbondingSeconds: integer,
      maxServers: integer,
      redundancy: { ...integer, description: 'Number of servers that the owner wants' },
      maxChannelLifetimeSeconds: integer,
      maxChannelIdleSeconds: integer,
      maxMessageBytes: integer,
    }),
    activeServers: integer,
    healthy: { type: 'boolean', description: 'Whether there are as many active servers as the owner wants' },
  }),
  Server: object({
    id: integer,
    neighborhood: { ...text, description: 'Registry id, decimal' },
    operator: account,
    payout: account,
    keyId: { type: 'string', pattern: '^0x[0-9a-f]{40}$', description: 'Last 20 bytes of keccak256(keyX ‖ keyY), lower case' },
    keyX: { ...bytes32, description: 'P-256 public key, affine x' },
    keyY: { ...bytes32, description: 'P-256 public key, affine y' },
    endpoint: { ...text, description: 'Origin of its HTTP API' },
    did: text,
    stake: amount,
    status: { enum: serverStatuses.filter((status) => status !== 'all') },
    unlockAt: { ...nullable(integer), description: 'Unix seconds from which the stake can be withdrawn; null while active' },
    registeredAtBlock: integer,
  }),
  ServerChange: object({
    kind: { enum: ['registered', 'stake_added', 'endpoint_changed', 'exit_requested', 'withdrawn'] },
    block: integer,
    timestamp: { ...integer, description: 'Unix seconds' },
    transaction: bytes32,
    stake: { ...amount, description: 'Stake after the change' },
    endpoint: { ...text, description: 'Endpoint after the change' },
  }),
  Problem: {
    ...object({ type: text, title: text, status: integer, code: { enum: problemCodes }, retryable: { type: 'boolean' } }),
    description: 'RFC 9457 problem document; may have a detail',
  },
}

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
          headers: { ETag: { schema: text, description: 'From the hash of the block' } },
          ...json(object({ ...properties, block: ref('Block') })),
        },
        304: { description: 'Nothing new: the caller has the answer of this block' },
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
      query('status', { enum: serverStatuses, default: 'active' }, 'Which servers'),
      ...paging,
    ]),
    '/v1/servers/{id}': route('One server', { server: ref('Server') }, [id]),
    '/v1/servers/{id}/history': route('What happened to a server, oldest first', page('ServerChange'), [id, ...paging]),
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
