import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import type receiptsFile from '../vectors/receipts.json'
import { receiptBytes, serversFor, verifyReceipt } from './receipt.ts'
import { Receipt, StoredEvent } from './schemas.ts'
import { describeMismatch } from './validate.ts'

const folder = join(import.meta.dirname, '../vectors')
const vectors = JSON.parse(readFileSync(join(folder, 'receipts.json'), 'utf8')) as typeof receiptsFile
const typed = (statement: object) => statement as Receipt | StoredEvent

describe('receipts and stored events', () => {
  it.each(vectors.valid)('$name verifies', async ({ statement, canonical }) => {
    expect(describeMismatch(statement.type === 'stored' ? StoredEvent : Receipt, statement)).toBeUndefined()
    expect(new TextDecoder().decode(receiptBytes(typed(statement)))).toBe(canonical)
    expect(await verifyReceipt(typed(statement), vectors.key)).toBe(true)
    // However the names are ordered where it comes from.
    expect(await verifyReceipt(typed(Object.fromEntries(Object.entries(statement).reverse())), vectors.key)).toBe(true)
  })

  it.each(vectors.invalid)('$name does not', async ({ statement, key }) => {
    expect(await verifyReceipt(typed(statement), key)).toBe(false)
  })

  it('begin with a byte with which no other statement of a server key begins', () => {
    for (const { canonical } of vectors.valid) expect(canonical).toMatch(/^\{"/)
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

it('the committed vectors are what the generator writes', () => {
  const fresh = mkdtempSync(join(tmpdir(), 'dred-receipts-'))
  onTestFinished(() => rmSync(fresh, { recursive: true }))
  execFileSync(process.execPath, [join(folder, 'generate-receipts.ts'), fresh])
  expect(readFileSync(join(fresh, 'receipts.json'), 'utf8')).toBe(readFileSync(join(folder, 'receipts.json'), 'utf8'))
})
