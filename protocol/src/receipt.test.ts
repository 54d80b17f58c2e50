import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import type receiptsFile from '../vectors/receipts.json'
import { encodeBase64url } from './encoding.ts'
import { receiptBytes, receiptTree, serversFor, verifyReceipt } from './receipt.ts'
import { Receipt, StoredEvent } from './schemas.ts'
import { toLowS } from './statements/index.ts'
import { describeMismatch } from './validate.ts'

const folder = join(import.meta.dirname, '../vectors')
const vectors = JSON.parse(readFileSync(join(folder, 'receipts.json'), 'utf8')) as typeof receiptsFile
const typed = (statement: object) => statement as Receipt | StoredEvent

describe('receipts and stored events', () => {
  it.each(vectors.valid)('$name verifies', async ({ statement }) => {
    expect(describeMismatch(statement.type === 'stored' ? StoredEvent : Receipt, statement)).toBeUndefined()
    expect(await verifyReceipt(typed(statement), vectors.key)).toBe(true)
    // However the names are ordered where it comes from.
    expect(await verifyReceipt(typed(Object.fromEntries(Object.entries(statement).reverse())), vectors.key)).toBe(true)
  })

  it.each(vectors.invalid)('$name does not', async ({ statement, key }) => {
    expect(await verifyReceipt(typed(statement), key)).toBe(false)
  })

  it('do not verify when nobody can have signed them', async () => {
    const [{ statement } = { statement: {} }] = vectors.valid
    for (const extra of ['\ud800', JSON.parse('['.repeat(100) + ']'.repeat(100)) as unknown]) {
      expect(await verifyReceipt(typed({ ...statement, extra }), vectors.key)).toBe(false)
    }
  })

  it('begin with a byte with which no other statement of a server key begins', () => {
    for (const { signed } of vectors.valid) expect(signed).toMatch(/^\{"/)
  })
})

it.each([
  [1, [1, 1, 1]],
  [2, [1, 2, 2]],
  [3, [1, 2, 3]],
  [4, [1, 3, 4]],
  [25, [1, 13, 25]],
])('of %i servers, as many acknowledge', (servers, expected) => {
  expect((['accepted', 'quorum', 'all'] as const).map((ack) => serversFor(ack, servers))).toEqual(expected)
  expect(serversFor(2, servers)).toBe(2)
})

describe('a tree of receipts', () => {
  const [{ statement } = { statement: undefined }] = vectors.valid
  const { signature: _, ...receipt } = statement as Receipt
  const many = (count: number) => Array.from({ length: count }, (_value, n) => ({ ...receipt, n: n + 1 }))

  it.each([1, 2, 3, 4, 5, 7, 8, 9, 31, 64, 65])('of %i has a path for each that fits no other', async (count) => {
    const { privateKey, publicKey } = await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, ['sign', 'verify'])
    const { x = '', y = '' } = await crypto.subtle.exportKey('jwk', publicKey)
    const word = (text: string) => `0x${Buffer.from(text, 'base64url').toString('hex')}`
    const key = { keyX: word(x), keyY: word(y) }
    const { bytes, paths } = receiptTree(many(count))
    const raw = await crypto.subtle.sign({ name: 'ECDSA', hash: 'SHA-256' }, privateKey, bytes)
    const signature = encodeBase64url(toLowS(new Uint8Array(raw)))
    expect(Math.max(...paths.map(({ length }) => length))).toBe(Math.ceil(Math.log2(count)))
    for (const [i, one] of many(count).entries()) {
      expect(await verifyReceipt({ ...one, path: paths[i] ?? [], signature }, key)).toBe(true)
      // Of one alone it is its own.
      expect(await verifyReceipt({ ...one, path: paths[(i + 1) % count] ?? [], signature }, key)).toBe(count === 1)
    }
  })

  it('of one is signed as a receipt that is alone', () => {
    expect(receiptTree([receipt])).toEqual({ bytes: receiptBytes(receipt), paths: [[]] })
  })

  it('of none there is not', () => {
    expect(() => receiptTree([])).toThrow(RangeError)
  })
})

it('the committed vectors are what the generator writes', () => {
  const fresh = mkdtempSync(join(tmpdir(), 'dred-receipts-'))
  onTestFinished(() => rmSync(fresh, { recursive: true }))
  execFileSync(process.execPath, [join(folder, 'generate-receipts.ts'), fresh])
  expect(readFileSync(join(fresh, 'receipts.json'), 'utf8')).toBe(readFileSync(join(folder, 'receipts.json'), 'utf8'))
})
