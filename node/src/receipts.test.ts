import { Receipt, describeMismatch, verifyReceipt } from '@dred/protocol'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { ReceiptSigner } from './receipt-signer.ts'
import { type Accepted, type Goal, Receipts } from './receipts.ts'
import { FakeLadder } from './testing/fake-ladder.ts'
import { MemoryRegistry } from './testing/registry-view.ts'
import { newServerKey } from './testing/server-key.ts'

const key = await newServerKey()
const NOW = 1_700_000_000_500

let ladder: FakeLadder
let incarnation: number
let receipts: Receipts

function assemble(servers: number, maxWaiting?: number): void {
  ladder = new FakeLadder(servers)
  incarnation = 1_000
  receipts = new Receipts({
    signer: new ReceiptSigner({ registry: new MemoryRegistry(), key, now: () => NOW }),
    replicator: ladder,
    self: () => ({ server: 1, incarnation }),
    ...(maxWaiting === undefined ? {} : { maxWaiting }),
  })
}

beforeEach(() => {
  vi.useFakeTimers()
  assemble(3)
})
afterEach(() => {
  vi.useRealTimers()
})

function accepted(n: number, fields: Partial<Accepted> = {}): Accepted {
  return { channel: 'c'.repeat(43), id: 'i'.repeat(43), server: 1, incarnation: 1_000, n, acceptedAt: NOW - 500, ...fields }
}

/** What a publisher gets, as soon as it does. */
function publisher(message: Accepted, goal: Goal): { answer: Receipt | undefined } {
  const waiting: { answer: Receipt | undefined } = { answer: undefined }
  void receipts.issue(message, goal).then((receipt) => (waiting.answer = receipt))
  return waiting
}

/** Until everything that can happen without time or news has happened: signing takes a thread's answer at most. */
async function settle(): Promise<void> {
  await vi.advanceTimersByTimeAsync(0)
  await receipts.issue(accepted(1))
}

describe('a receipt', () => {
  test('says where the message is and on how many servers, signed', async () => {
    ladder.hear([9, 8, 7])
    const receipt = await receipts.issue(accepted(8))
    expect(receipt).toMatchObject({
      type: 'receipt',
      chainId: 31_337,
      serverRegistry: '0x00000000000000000000000000000000000000aa',
      signer: 1,
      ...accepted(8),
      stored: 2,
      servers: 3,
      signedAt: NOW,
    })
    expect(describeMismatch(Receipt, receipt)).toBeUndefined()
    expect(await verifyReceipt(receipt, key)).toBe(true)
    expect(await verifyReceipt({ ...receipt, stored: 3 }, key)).toBe(false)
    expect(await verifyReceipt(receipt, await newServerKey())).toBe(false)
  })

  test.each([
    [10, 1],
    [9, 1],
    [8, 2],
    [7, 3],
    [1, 3],
  ])('of message %i counts those that have said so and this server: %i', async (n, stored) => {
    ladder.hear([9, 8, 7])
    expect((await receipts.issue(accepted(n))).stored).toBe(stored)
  })

  test('of what entered elsewhere, or in an earlier life, knows of this server only', async () => {
    ladder.hear([9, 9, 9])
    for (const fields of [{ server: 2 }, { incarnation: 999 }]) {
      expect(await receipts.issue(accepted(1, fields))).toMatchObject({ signer: 1, ...fields, stored: 1, servers: 3 })
    }
  })
})

describe('receipts that are asked for together', () => {
  /** A key whose signatures are made when the test says so. */
  function held(): { signing: number; sign: (bytes: Uint8Array) => Promise<Uint8Array>; release: () => void } {
    const waiting: (() => void)[] = []
    const state = {
      signing: 0,
      sign: async (bytes: Uint8Array) => {
        state.signing++
        await new Promise<void>((resolve) => waiting.push(resolve))
        return key.sign(bytes)
      },
      release: () => waiting.shift()?.(),
    }
    return state
  }

  function signerBy(sign: (bytes: Uint8Array) => Promise<Uint8Array>): (n: number) => Promise<Receipt> {
    const signer = new ReceiptSigner({ registry: new MemoryRegistry(), key: { sign }, now: () => NOW })
    return (n) => signer.receipt({ signer: 1, ...accepted(n), stored: 1, servers: 3 })
  }

  test('share a signature, each checkable by itself', async () => {
    let signatures = 0
    const receipt = signerBy((bytes) => {
      signatures++
      return key.sign(bytes)
    })
    const issued = await Promise.all([1, 2, 3, 4, 5].map((n) => receipt(n)))
    expect(signatures).toBe(1)
    expect(issued.map(({ n }) => n)).toEqual([1, 2, 3, 4, 5])
    for (const one of issued) {
      expect(describeMismatch(Receipt, one)).toBeUndefined()
      expect(await verifyReceipt(one, key)).toBe(true)
      expect(await verifyReceipt({ ...one, n: one.n + 1 }, key)).toBe(false)
    }
    expect('path' in (await receipt(6))).toBe(false)
  })

  test('while a signature is made wait for it only, and share the next one', async () => {
    const hands = held()
    const receipt = signerBy(hands.sign)
    const first = receipt(1)
    await vi.advanceTimersByTimeAsync(0)
    expect(hands.signing).toBe(1)
    const others = Promise.all([receipt(2), receipt(3)])
    await vi.advanceTimersByTimeAsync(0)
    expect(hands.signing).toBe(1)
    hands.release()
    expect((await first).path).toBeUndefined()
    await vi.waitUntil(() => hands.signing === 2)
    hands.release()
    for (const one of await others) {
      expect(one.path).toHaveLength(1)
      expect(await verifyReceipt(one, key)).toBe(true)
    }
  })

  test('fail together when the key fails, and the next ones do not', async () => {
    let broken = true
    const receipt = signerBy((bytes) => (broken ? Promise.reject(new Error('no key')) : key.sign(bytes)))
    const failed = await Promise.allSettled([receipt(1), receipt(2)])
    expect(failed.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
    broken = false
    expect(await verifyReceipt(await receipt(3), key)).toBe(true)
  })

  test('are signed in several parts when there are very many', async () => {
    let signatures = 0
    const receipt = signerBy((bytes) => {
      signatures++
      return key.sign(bytes)
    })
    const issued = await Promise.all(Array.from({ length: 2_500 }, (_, i) => receipt(i + 1)))
    expect(signatures).toBe(3)
    expect(Math.max(...issued.map(({ path = [] }) => path.length))).toBe(10)
    for (const n of [0, 1_023, 1_024, 2_499]) expect(await verifyReceipt(issued[n] as Receipt, key)).toBe(true)
  })
})

describe('what a publisher can ask for', () => {
  test.each([
    [{}, undefined],
    [{ stored: '2' }, { ack: 2, waitMs: 10_000 }],
    [
      { stored: '3', waitMs: 0 },
      { ack: 3, waitMs: 0 },
    ],
    [
      { stored: 'quorum', waitMs: 50 },
      { ack: 'quorum', waitMs: 50 },
    ],
    [{ stored: 'all' }, { ack: 'all', waitMs: 10_000 }],
  ])('%j', (query, goal) => {
    expect(receipts.goal(query)).toEqual(goal)
  })

  test.each([
    [{ stored: '4' }, 'stored may be at most 3: the neighborhood has 3 servers'],
    [{ waitMs: 5 }, 'waitMs needs stored'],
  ])('not %j', (query, detail) => {
    expect(() => receipts.goal(query)).toThrow(
      expect.objectContaining({ code: 'malformed_request', message: expect.stringContaining(detail) }),
    )
  })

  test('a server that is alone can do no more than store', async () => {
    assemble(1)
    expect(() => receipts.goal({ stored: '2' })).toThrow('stored may be at most 1: this server is the only one of its neighborhood')
    for (const stored of ['1', 'quorum', 'all']) {
      expect(await receipts.issue(accepted(5), receipts.goal({ stored }))).toMatchObject({ stored: 1, servers: 1 })
    }
  })
})

describe('waiting', () => {
  test('ends with the server that makes it enough, not before', async () => {
    const [two, quorum, all] = [2, 'quorum', 'all'].map((ack) => publisher(accepted(5), { ack: ack as Goal['ack'], waitMs: 10_000 }))
    const other = publisher(accepted(6), { ack: 2, waitMs: 10_000 })
    ladder.hear([6, 4, 0])
    await settle()
    expect([two, quorum, all, other].map((waiting) => waiting?.answer)).toEqual([undefined, undefined, undefined, undefined])
    ladder.hear([6, 5, 0])
    await settle()
    expect([two, quorum, all, other].map((waiting) => waiting?.answer?.stored)).toEqual([2, 2, undefined, undefined])
    ladder.hear([6, 6, 6])
    await settle()
    expect([all?.answer?.stored, other.answer?.stored]).toEqual([3, 3])
    expect(vi.getTimerCount()).toBe(0)
  })

  test('ends after its time with as many as there are', async () => {
    const waiting = publisher(accepted(5), { ack: 'all', waitMs: 1_000 })
    ladder.hear([5, 5, 0])
    await vi.advanceTimersByTimeAsync(999)
    await settle()
    expect(waiting.answer).toBeUndefined()
    await vi.advanceTimersByTimeAsync(1)
    await settle()
    expect(waiting.answer).toMatchObject({ stored: 2, servers: 3 })
  })

  test('is over at once for what nobody will say more about', async () => {
    for (const fields of [{ server: 2 }, { incarnation: 999 }]) {
      expect(await receipts.issue(accepted(1, fields), { ack: 'all', waitMs: 10_000 })).toMatchObject({ stored: 1 })
    }
    const waiting = publisher(accepted(5), { ack: 2, waitMs: 10_000 })
    incarnation = 1_001
    ladder.hear([1, 1, 1])
    await settle()
    expect(waiting.answer).toMatchObject({ incarnation: 1_000, stored: 1 })
  })

  test('for all follows the neighborhood', async () => {
    const waiting = publisher(accepted(5), { ack: 'all', waitMs: 10_000 })
    ladder.hear([5, 5, 0])
    await settle()
    expect(waiting.answer).toBeUndefined()
    ladder.hear([5, 5], 2)
    await settle()
    expect(waiting.answer).toMatchObject({ stored: 2, servers: 2 })
  })

  test('ends when the server stops', async () => {
    const waiting = publisher(accepted(5), { ack: 'all', waitMs: 10_000 })
    receipts.stop()
    const late = publisher(accepted(6), { ack: 'all', waitMs: 10_000 })
    await settle()
    expect([waiting.answer?.stored, late.answer?.stored]).toEqual([1, 1])
    expect([ladder.listeners, vi.getTimerCount()]).toEqual([0, 0])
  })

  test('is for so many at once', async () => {
    assemble(3, 2)
    const waiting = [1, 2, 3].map((n) => publisher(accepted(n), { ack: 'all', waitMs: 10_000 }))
    await settle()
    expect(waiting.map(({ answer }) => answer?.stored)).toEqual([undefined, undefined, 1])
    ladder.hear([2, 2, 2])
    await settle()
    const again = [3, 4].map((n) => publisher(accepted(n), { ack: 'all', waitMs: 10_000 }))
    await settle()
    expect(again.map(({ answer }) => answer)).toEqual([undefined, undefined])
    receipts.stop()
  })
})
