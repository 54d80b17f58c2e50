import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { TSchema } from 'typebox'
import { Check } from 'typebox/value'
import { describe, expect, it } from 'vitest'
import type genesisFile from '../vectors/genesis.json'
import type messagesFile from '../vectors/messages.json'
import type receiptsFile from '../vectors/receipts.json'
import { BatchResult, MessageBatch } from './batch.ts'
import { encodeCursor } from './cursor.ts'
import { routes, StreamsRequest } from './routes.ts'
import * as schemas from './schemas.ts'
import { manyStreamEvents, streamEvents } from './stream.ts'
import { describeMismatch } from './validate.ts'
import { VersionVector } from './version-vector.ts'

const read = <T>(file: string): T => JSON.parse(readFileSync(join(import.meta.dirname, '../vectors', file), 'utf8')) as T
const { valid, invalid } = read<typeof messagesFile>('messages.json')
const geneses = read<typeof genesisFile>('genesis.json')
const [first] = valid
const [genesis] = geneses.valid.map(({ body }) => body)

const cursor = encodeCursor(first?.channel ?? '', VersionVector.from({ '1-1700000000000': [3, 5] }))
const origin = { server: 1, incarnation: 1_700_000_000_000, n: 5 }
const delivered = { ...first?.body, id: first?.id, channel: first?.channel, v: 1, cursor, origin }
const description = { id: first?.channel, genesis, expiresAt: 1_800_000_000_000, messages: 3, cursor }
const keys = [{ keyX: `0x${'0a'.repeat(32)}`, keyY: `0x${'0b'.repeat(32)}` }]
const server = { id: 1, operator: '0x1', keyId: '0x2', endpoint: 'https://relay.example', did: 'did:web:relay.example', keys }
const receipts = read<typeof receiptsFile>('receipts.json').valid.map(({ statement }) => statement)
const [receipt, storedEvent] = (['receipt', 'stored'] as const).map((type) => receipts.find((statement) => statement.type === type))
const problem = { title: 'The server failed', status: 500, code: 'internal', retryable: true }

/** Values of the right shape, from which wrong ones are made, and for the signed shapes the vectors' wrong ones too. */
const cases: { name: string; schema: TSchema; values: unknown[] }[] = [
  { name: 'SignedMessage', schema: schemas.SignedMessage, values: [...valid, ...invalid].flatMap((vector) => bodyOf(vector)) },
  { name: 'SignedGenesis', schema: schemas.SignedGenesis, values: [...geneses.valid, ...geneses.invalid].map(({ body }) => body) },
  { name: 'DeliveredMessage', schema: schemas.DeliveredMessage, values: [delivered] },
  {
    name: 'MessagePage',
    schema: schemas.MessagePage,
    values: [
      { items: [delivered, delivered], next: cursor, cursor },
      { items: [], next: null, cursor },
    ],
  },
  { name: 'ChannelPage', schema: schemas.ChannelPage, values: [{ items: [description], next: null }] },
  {
    name: 'PublishResult',
    schema: schemas.PublishResult,
    values: [{ id: first?.id, cursor, receipt }],
  },
  {
    name: 'MessageBatch',
    schema: MessageBatch,
    values: [{ messages: [first?.body, first?.body] }, { messages: [] }, { messages: Array.from({ length: 65 }, () => first?.body) }],
  },
  {
    name: 'BatchResult',
    schema: BatchResult,
    values: [
      {
        results: [
          { status: 201, id: first?.id, cursor, receipt },
          { status: 500, problem: { ...problem, type: '/problems/internal' } },
        ],
      },
    ],
  },
  {
    name: 'WellKnown',
    schema: schemas.WellKnown,
    values: [
      {
        protocol: { versions: [1] },
        software: { name: 'dred', version: '1' },
        server: { id: 1, keyId: '0x2', publicKey: { x: '0x3', y: '0x4' }, incarnation: 1 },
        chain: { id: 1, serverRegistry: '0x5' },
        neighborhoods: ['7'],
        limits: { messageBytes: 65_536, pageItems: 500 },
        servers: [server],
        time: 1,
      },
    ],
  },
  {
    name: 'the stream events',
    schema: { anyOf: Object.values(streamEvents) } as TSchema,
    values: [
      { type: 'open', channel: first?.channel, server: 1, cursor },
      { type: 'message', ...delivered },
      { type: 'control', cursor, caughtUp: true },
      storedEvent,
      { type: 'keepalive', cursor },
      { type: 'error', ...problem, oldest: cursor },
      { type: 'close', reason: 'shutting_down', retryMs: 100, cursor },
    ],
  },
  {
    name: 'the events of a stream of many channels',
    schema: { anyOf: Object.values(manyStreamEvents) } as TSchema,
    values: [
      { type: 'control', channel: first?.channel, cursor, caughtUp: true },
      { type: 'keepalive' },
      { type: 'error', channel: first?.channel, ...problem },
      { type: 'close', reason: 'slow_reader', retryMs: 100 },
    ],
  },
  {
    name: 'StreamsRequest',
    schema: StreamsRequest,
    values: [
      { channels: { [first?.channel ?? '']: cursor }, receipts: 'stored' },
      { channels: { [first?.channel ?? '']: null, ['B'.repeat(43)]: cursor } },
      { channels: { short: null } },
      { channels: {} },
      { channels: Object.fromEntries(Array.from({ length: 1_001 }, (_, i) => [String(i).padStart(43, 'x'), null])) },
    ],
  },
]

function bodyOf(vector: object): unknown[] {
  return 'body' in vector ? [vector.body] : []
}

/** Park–Miller, as in the other tests. */
function random(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (state * 48_271) % 2_147_483_647
    return state % below
  }
}

const odd: unknown[] = [
  null,
  true,
  false,
  0,
  -1,
  1,
  1.5,
  1e300,
  2 ** 53,
  Number.POSITIVE_INFINITY,
  '',
  'A',
  'A'.repeat(22),
  'A'.repeat(43),
  'A'.repeat(44),
  `${'A'.repeat(42)}\n`,
  'A'.repeat(86),
  '1',
  '0',
  'é'.repeat(64),
  '🂡'.repeat(64),
  '🂡'.repeat(65),
  'x'.repeat(8_193),
  'start',
  [],
  ['A'.repeat(43)],
  Array.from({ length: 5 }, () => 'A'.repeat(43)),
  {},
  { messageBytes: 1 },
  JSON.parse('{"__proto__":1}'),
]
const names = ['__proto__', 'constructor', 'extra', 'key', 'message', 'sig', 'name', 'nonce', 'prev', 'v', 'toString']

/** The value with one thing in it replaced, removed or added. */
function mutated(value: unknown, below: (limit: number) => number): unknown {
  const isObject = typeof value === 'object' && value !== null
  if (!isObject || below(6) === 0) return odd[below(odd.length)]
  if (Array.isArray(value)) {
    if (value.length === 0 || below(4) === 0) return [...(value as unknown[]), odd[below(odd.length)]]
    const at = below(value.length)
    return (value as unknown[]).map((item, index) => (index === at ? mutated(item, below) : item))
  }
  const entries = Object.entries(value)
  const at = below(entries.length + 1)
  if (at === entries.length) entries.push([names[below(names.length)] ?? '', odd[below(odd.length)]])
  else if (below(4) === 0) entries.splice(at, 1)
  else entries[at] = [entries[at]?.[0] ?? '', mutated(entries[at]?.[1], below)]
  // As a parser makes it: `__proto__` is a name like any other.
  return Object.fromEntries(entries)
}

describe.each(cases)('$name', ({ schema, values }) => {
  it('is judged as a general validator judges it, on every vector and 3,000 mutations', () => {
    const below = random(7)
    let accepted = 0
    const right = values.filter((value) => Check(schema, value))
    for (let round = 0; round < 3_000; round++) {
      const value = round < values.length ? values[round] : mutated(right[round % right.length], below)
      const mismatch = describeMismatch(schema, value)
      expect({ value, accepted: mismatch === undefined }).toEqual({ value, accepted: Check(schema, value) })
      if (mismatch === undefined) accepted++
    }
    // Mutations that leave nothing valid, or nothing invalid, would prove nothing.
    expect(accepted).toBeGreaterThan(30)
    expect(accepted).toBeLessThan(2_700)
  })
})

it('names the place and what is expected there', () => {
  const { body } = first ?? { body: {} }
  const said = (change: object): string | undefined => describeMismatch(schemas.SignedMessage, { ...body, ...change })
  expect(said({})).toBeUndefined()
  expect(said({ sentAt: 0.5 })).toBe('/sentAt must be of type integer')
  expect(said({ sentAt: -1 })).toBe('/sentAt must be at least 0')
  expect(said({ prev: [first?.id, 'x'] })).toBe('/prev/1 must match ^[A-Za-z0-9_-]{43}$')
  expect(said({ extra: 1 })).toBe('/extra is not known here')
  expect(describeMismatch(schemas.SignedMessage, [])).toBe('The body must be of type object')
  expect(describeMismatch(schemas.SignedMessage, {})).toBe('/message is missing')
})

it('knows every keyword that a schema uses', () => {
  const described = ['description', 'type', 'const', 'anyOf', 'properties', 'required', 'additionalProperties', 'items']
  const bounds = ['minItems', 'maxItems', 'minProperties', 'maxProperties', 'pattern', 'minLength', 'maxLength', 'minimum', 'maximum']
  const known = new Set([...described, 'propertyNames', ...bounds])
  const used = new Set<string>()
  const collect = (schema: unknown): void => {
    if (typeof schema !== 'object' || schema === null) return
    for (const [keyword, value] of Object.entries(schema)) {
      used.add(keyword)
      if (keyword === 'properties') for (const property of Object.values(value as object)) collect(property)
      else if (keyword === 'anyOf') for (const option of value as unknown[]) collect(option)
      else if (['items', 'propertyNames', 'additionalProperties'].includes(keyword)) collect(value)
    }
  }
  for (const route of Object.values(routes)) {
    const parts: Record<string, unknown> = route
    for (const part of ['params', 'querystring', 'body']) collect(parts[part])
    for (const body of Object.values((parts['response'] as object | undefined) ?? {})) collect(body)
  }
  for (const event of [...Object.values(streamEvents), ...Object.values(manyStreamEvents)]) collect(event)
  expect([...used].filter((keyword) => !known.has(keyword))).toEqual([])
  expect(used).toContain('pattern')
})
