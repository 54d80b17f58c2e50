import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { decode, encode } from 'cborg'
import { describe, expect, it, onTestFinished } from 'vitest'
import { fromHex, hex, readVectors, vectorFolder } from '../../vectors/json.ts'
import { type KeyWords, signatureWords, verifyStatement } from '../statements/index.ts'
import { epochOf } from './epoch.ts'
import { HybridClock } from './hybrid-clock.ts'
import type { LatencyRow, Receipt } from './relay-statements.ts'
import { decodeRoundTrip, encodeRoundTrip } from './round-trip.ts'
import { latencyRowBytes, relayReceiptBytes, type StatementContext } from './statement-bytes.ts'

interface Signed {
  name: string
  signedHex: string
  signatureHex: string
}

const vectors = readVectors<{
  epochs: { ids: number[]; epoch: number }[]
  roundTrips: { encoded: { ms: number | null; byte: number }[]; decodedMs: (number | null)[] }
  clocks: { name: string; steps: ({ tick: number } | { observe: number })[]; readings: number[] }[]
  statements: {
    context: StatementContext
    key: KeyWords
    latencyRows: ({ row: LatencyRow } & Signed)[]
    receipts: ({ receipt: Receipt } & Signed)[]
  }
}>('relay.json')
const { context, key, latencyRows, receipts } = vectors.statements

it.each(vectors.epochs)('the epoch of $ids', ({ ids, epoch }) => {
  expect(epochOf(ids)).toBe(epoch)
})

describe('round trips', () => {
  it.each(vectors.roundTrips.encoded)('$ms ms', ({ ms, byte }) => {
    expect(encodeRoundTrip(ms ?? undefined)).toBe(byte)
  })

  it('of every byte', () => {
    const decoded = Array.from({ length: 256 }, (_, byte) => decodeRoundTrip(byte) ?? null)
    expect(decoded.map((ms) => (ms === null ? null : Number(ms.toFixed(3))))).toEqual(vectors.roundTrips.decodedMs)
  })
})

it.each(vectors.clocks)('a hybrid clock when $name', ({ steps, readings }) => {
  const clock = new HybridClock()
  const read: number[] = []
  for (const step of steps) {
    if ('tick' in step) read.push(clock.tick(step.tick))
    else clock.observe(step.observe)
  }
  expect(read).toEqual(readings)
})

describe('what servers sign for each other', () => {
  it.each(latencyRows)('$name', ({ row, signedHex }) => {
    expect(hex(latencyRowBytes(context, row))).toBe(signedHex)
  })

  it.each(receipts)('$name', ({ receipt, signedHex }) => {
    expect(hex(relayReceiptBytes(context, receipt))).toBe(signedHex)
  })

  it.each([...latencyRows, ...receipts])('is CBOR that is signed as it is: $name', async ({ signedHex, signatureHex }) => {
    const bytes = fromHex(signedHex)
    expect(hex(encode(decode(bytes, { strict: true })))).toBe(signedHex)
    expect(await verifyStatement(key, bytes, signatureWords(fromHex(signatureHex)))).toBe(true)
    bytes[bytes.length - 1] = (bytes[bytes.length - 1] ?? 0) ^ 1
    expect(await verifyStatement(key, bytes, signatureWords(fromHex(signatureHex)))).toBe(false)
  })

  it.each(latencyRows)('counts in one place only: $name', ({ row }) => {
    const places = [{}, { chainId: 1 }, { serverRegistry: `0x${'00'.repeat(20)}` }, { neighborhood: '8' }]
    expect(new Set(places.map((place) => hex(latencyRowBytes({ ...context, ...place }, row)))).size).toBe(4)
  })
})

it('the committed vectors are what the generator writes', () => {
  const fresh = mkdtempSync(join(tmpdir(), 'dred-relay-'))
  onTestFinished(() => rmSync(fresh, { recursive: true }))
  execFileSync(process.execPath, [join(vectorFolder, 'generate-relay.ts'), fresh])
  expect(readFileSync(join(fresh, 'relay.json'), 'utf8')).toBe(readFileSync(join(vectorFolder, 'relay.json'), 'utf8'))
})
