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
