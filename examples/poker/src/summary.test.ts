import { describe, expect, it } from 'vitest'
import { CounterSum, parseCounters } from './counters.ts'
import { Latencies } from './latencies.ts'
import { TableLedger } from './ledger.ts'
import { summarize } from './summary.ts'

const CLIENTS = ['dealer', 'ann', 'bob']
const names = { table: 'T', channel: 'C' }

/** Publishes steps 0 to `count - 1`, in turn, each 10 ms after the one before. */
function published(count: number): TableLedger {
  const ledger = new TableLedger(CLIENTS)
  for (let step = 0; step < count; step++) {
    ledger.publishing(step, CLIENTS[step % 3] ?? '', step * 10)
    ledger.accepted(step, `id ${step}`)
  }
  return ledger
}

function deliverAll(ledger: TableLedger, count: number): void {
  for (let step = 0; step < count; step++) {
    for (const [index, client] of CLIENTS.entries()) ledger.delivered({ client, step, id: `id ${step}` }, step * 10 + index + 1)
  }
}

describe('the books of a table', () => {
  it('are complete when every client has every message', () => {
    const ledger = published(4)
    deliverAll(ledger, 4)
    expect(ledger.summary(names, 4)).toEqual({
      ...names,
      clients: 3,
      published: 4,
      expected: 12,
      delivered: 12,
      lost: 0,
      duplicates: 0,
      complete: true,
      missing: [],
    })
  })

  it('name what is lost at which client', () => {
    const ledger = published(3)
    for (const [client, step] of [
      ['dealer', 0],
      ['dealer', 1],
      ['dealer', 2],
      ['ann', 0],
      ['ann', 2],
      ['bob', 1],
    ] as const) {
      ledger.delivered({ client, step, id: `id ${step}` }, 50)
    }
    expect(ledger.summary(names, 3)).toMatchObject({
      expected: 9,
      delivered: 6,
      lost: 3,
      complete: false,
      missing: [
        { client: 'ann', steps: [1] },
        { client: 'bob', steps: [0, 2] },
      ],
    })
  })

  it('are not complete before the whole play was published', () => {
    const ledger = published(3)
    deliverAll(ledger, 3)
    expect(ledger.summary(names, 4)).toMatchObject({ lost: 0, complete: false })
  })

  it('count a message that nobody accepted and nobody received as lost to all', () => {
    const ledger = new TableLedger(CLIENTS)
    ledger.publishing(0, 'ann', 0)
    expect(ledger.summary(names, 1)).toMatchObject({ published: 1, expected: 3, lost: 3 })
  })

  it('count duplicates once for each time too many, also after everybody had the message', () => {
    const ledger = published(2)
    ledger.delivered({ client: 'ann', step: 0, id: 'id 0' }, 1)
    ledger.delivered({ client: 'ann', step: 0, id: 'id 0' }, 2)
    deliverAll(ledger, 2)
    ledger.delivered({ client: 'bob', step: 1, id: 'id 1' }, 3)
    expect(ledger.summary(names, 2)).toMatchObject({ delivered: 6, lost: 0, duplicates: 3 })
  })

  it('do not take another message for the accepted one', () => {
    const ledger = published(1)
    for (const client of CLIENTS) ledger.delivered({ client, step: 0, id: client === 'bob' ? 'another id' : 'id 0' }, 1)
    expect(ledger.summary(names, 1)).toMatchObject({ lost: 1, missing: [{ client: 'bob', steps: [0] }] })
  })

  it('measure from publish to each other client', () => {
    const ledger = published(1)
    expect(ledger.delivered({ client: 'dealer', step: 0, id: 'id 0' }, 99)).toBe(99)
    expect(ledger.delivered({ client: 'ann', step: 0, id: 'id 0' }, 2)).toBe(2)
    expect(ledger.delivered({ client: 'bob', step: 0, id: 'id 0' }, 7)).toBe(7)
    expect([ledger.latencies.percentile(1), ledger.latencies.percentile(100)]).toEqual([2, 7])
  })

  it('tell when everybody has everything, and not before', async () => {
    const ledger = published(1)
    let settled = false
    const waiting = ledger.settled(new AbortController().signal).then(() => {
      settled = true
    })
    ledger.delivered({ client: 'dealer', step: 0, id: 'id 0' }, 1)
    ledger.delivered({ client: 'ann', step: 0, id: 'id 0' }, 1)
    await Promise.resolve()
    expect(settled).toBe(false)
    ledger.delivered({ client: 'bob', step: 0, id: 'id 0' }, 1)
    await waiting
    expect(settled).toBe(true)
  })

  it('stop waiting at the deadline', async () => {
    const deadline = new AbortController()
    const waiting = published(1).settled(deadline.signal)
    deadline.abort(new Error('too late'))
    await expect(waiting).rejects.toThrow('too late')
  })
})

describe('percentiles', () => {
  it('are of the nearest rank', () => {
    const latencies = new Latencies()
    for (let value = 100; value >= 1; value--) latencies.add(value)
    expect([1, 50, 99, 100].map((percent) => latencies.percentile(percent))).toEqual([1, 50, 99, 100])
    latencies.add(1_000.126)
    expect([50, 99, 100].map((percent) => latencies.percentile(percent))).toEqual([51, 100, 1_000.13])
  })

  it('do not exist of nothing', () => {
    expect(new Latencies().percentile(50)).toBeNull()
  })
})

it('the summary adds the tables up and takes percentiles over all of them', () => {
  const [one, two] = [published(2), published(1)]
  deliverAll(one, 2)
  two.delivered({ client: 'ann', step: 0, id: 'id 0' }, 500)
  const tables = [
    { summary: one.summary(names, 2), latencies: one.latencies },
    { summary: two.summary(names, 1), latencies: two.latencies },
  ]
  const server = { id: 1, endpoint: 'http://127.0.0.1:1', accepted: 3, replicated: 0, delivered: 7 }
  expect(summarize(tables, [server])).toMatchObject({
    published: 3,
    expected: 9,
    delivered: 7,
    lost: 2,
    duplicates: 0,
    latencyMs: { p50: 3, p99: 500 },
    tables: [{ complete: true }, { complete: false }],
    servers: [server],
  })
})

describe("a server's counters", () => {
  const text = (accepted: number, stored: number, delivered: number): string => `# HELP dred_messages_accepted_total Messages
# TYPE dred_messages_accepted_total counter
dred_messages_accepted_total ${accepted}
dred_messages_replicated_total{result="stored"} ${stored}
dred_messages_replicated_total{result="duplicate"} 77
dred_messages_delivered_total{transport="ndjson"} ${delivered}
dred_messages_delivered_total{transport="sse"} 1
dred_messages_delivered_total_of_another_name 5
`

  it('are read from its metrics', () => {
    expect(parseCounters(text(3, 4, 5))).toEqual({ accepted: 3, replicated: 4, delivered: 6 })
  })

  it('count from the first reading on, through a restart of the server', () => {
    const sum = new CounterSum()
    for (const accepted of [100, 130, 5, 25]) sum.add({ accepted, replicated: 0, delivered: 0 })
    expect(sum.total.accepted).toBe(30 + 5 + 20)
  })
})
