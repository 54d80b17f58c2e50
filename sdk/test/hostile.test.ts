import type { IncomingMessage, ServerResponse } from 'node:http'
import { encodeCursor, VersionVector } from '@dred/protocol'
import { afterEach, describe, expect, it } from 'vitest'
import type { Channel } from '../src/index.ts'
import { Cluster } from './cluster.ts'
import { range, reached, take } from './collect.ts'
import { FakeClock } from './fake-clock.ts'

let cluster: Cluster

afterEach(() => cluster.stop())

/** Writes until the reader cuts the connection or `limit` bytes are sent. */
function pour(response: ServerResponse, limit: number): { sent: () => number; ended: () => boolean } {
  const chunk = 'x'.repeat(65_536)
  let sent = 0
  let ended = false
  response.on('close', () => (ended = true))
  const more = (): void => {
    if (ended || sent >= limit) return
    sent += chunk.length
    response.write(chunk, () => setImmediate(more))
  }
  more()
  return { sent: () => sent, ended: () => ended }
}

const streams = (id: number): number => cluster.relay(id).requestsTo('/stream')

describe('a stream of nonsense', () => {
  it.each<[string, unknown]>([
    ['a time to come back that is no number', { type: 'close', reason: 'shutting_down', retryMs: 'soon', cursor: 'c' }],
    ['a reason that is none', { type: 'close', reason: 'constructor', retryMs: 0, cursor: 'c' }],
    ['an error without a title', { type: 'error', code: 'constructor' }],
    ['a cursor that is an object', { type: 'keepalive', cursor: { toString: 1 } }],
    ['no type', {}],
    ['a number', 1],
  ])('%s: the stream is replaced and nothing else happens', async (_name, line) => {
    cluster = await Cluster.start({ relays: 2 })
    const channel = await cluster.client().channels.create<number>()
    cluster.relay(1).faults = { says: [line] }
    const client = cluster.client()
    const subscription = (await client.channels.get<number>(channel.id)).subscribe()
    await expect.poll(() => client.errors.map(({ code }) => code)).toContain('invalid_response')
    await subscription.opened()
    await channel.publish(1)
    expect(await take(subscription, 1)).toEqual([1])
    cluster.relay(1).faults = {}
    await reached(subscription, 'connected')
  })

  it('an error code of a later version is a broken stream', async () => {
    cluster = await Cluster.start({ relays: 1 })
    const channel = await cluster.client().channels.create<number>()
    const later = { type: 'error', code: 'on_strike', title: 'The server is on strike', status: 503, retryable: true }
    cluster.relay(1).faults = { says: [{ type: 'weather', sunny: true }, later] }
    const client = cluster.client()
    const subscription = (await client.channels.get<number>(channel.id)).subscribe()
    await expect.poll(() => client.errors[0]).toMatchObject({ code: 'stream_interrupted', message: 'The server is on strike' })
    cluster.relay(1).faults = {}
    await subscription.opened()
  })

  it('what comes before the open event is not believed', async () => {
    cluster = await Cluster.start({ relays: 1 })
    const channel = await cluster.client().channels.create<number>()
    const cursor = encodeCursor(channel.id, VersionVector.from({ '1-1': [1_000_000] }))
    cluster.relay(1).faults = {
      answer: ({ url }, response) => {
        if (!url?.includes('/stream')) return false
        response.writeHead(200).end(`${JSON.stringify({ type: 'keepalive', cursor })}\n`)
        return true
      },
    }
    const client = cluster.client()
    const subscription = (await client.channels.get<number>(channel.id)).subscribe()
    await expect.poll(() => client.errors.map(({ code }) => code)).toContain('invalid_response')
    cluster.relay(1).faults = {}
    await subscription.opened()
    expect(cluster.relay(1).requestsTo('after=')).toBe(0)
  })

  it('a server that never opens its stream, but says something all the time, is given up', async () => {
    cluster = await Cluster.start({ relays: 1 })
    const channel = await cluster.client().channels.create<number>()
    cluster.relay(1).faults = {
      answer: ({ url }, response) => {
        if (!url?.includes('/stream')) return false
        response.writeHead(200)
        const dripping = setInterval(() => response.write('\n'), 20)
        response.on('close', () => clearInterval(dripping))
        return true
      },
    }
    const client = cluster.client({ timing: { requestMs: 200 } })
    const subscription = (await client.channels.get<number>(channel.id)).subscribe()
    await expect.poll(() => client.errors.map(({ code }) => code)).toContain('timeout')
    cluster.relay(1).faults = {}
    await subscription.opened()
  })
})

describe('a server that wants to be asked again and again', () => {
  /** Long enough for many requests. */
  async function turns(): Promise<void> {
    for (let turn = 0; turn < 1_000; turn++) await new Promise((resolve) => setImmediate(resolve))
  }

  /** Stream requests to a server of a client whose time stands still. */
  async function settled(faults: Cluster['relays'][number]['faults'], options: { after?: boolean } = {}): Promise<number> {
    cluster = await Cluster.start({ relays: 1 })
    const channel = await cluster.client().channels.create<number>()
    const { receipt } = await channel.publish(1)
    expect(receipt.n).toBe(1)
    const [first] = (await channel.history()).items
    const client = cluster.client({ clock: new FakeClock(), random: () => 0.5 })
    const own = await client.channels.get<number>(channel.id)
    cluster.relay(1).faults = faults
    own.subscribe(options.after ? { after: first?.cursor ?? '' } : {})
    await expect.poll(() => streams(1)).toBeGreaterThan(0)
    await turns()
    return streams(1)
  }

  it('waits before it comes back to one that calls it slow', async () => {
    expect(await settled({ close: 'slow_reader' })).toBe(1)
  })

  it('waits before it takes another oldest cursor for good', async () => {
    let oldest = 10
    const faults = {
      answer: ({ url }: IncomingMessage, response: ServerResponse): boolean => {
        const channel = /channel\/(.*)\/stream/.exec(url ?? '')?.[1]
        if (channel === undefined) return false
        const cursor = encodeCursor(channel, VersionVector.from({ '1-1001': [oldest++] }))
        response.writeHead(410, { 'content-type': 'application/problem+json' })
        response.end(JSON.stringify({ title: 'gone', status: 410, code: 'cursor_expired', retryable: false, oldest: cursor }))
        return true
      },
    }
    expect(await settled(faults, { after: true })).toBe(1)
  })

  it('gives the genesis again to one that lost it again, and waits before it believes that', async () => {
    cluster = await Cluster.start({ relays: 1 })
    const channel = await cluster.client().channels.create<number>()
    const client = cluster.client()
    const subscription = (await client.channels.get<number>(channel.id)).subscribe()
    for (const round of [1, 2, 3]) {
      await subscription.opened()
      await cluster.relay(1).kill()
      await reached(subscription, 'reconnecting')
      cluster.relay(1).channels.forget(channel.id)
      await cluster.relay(1).start()
      await expect.poll(() => cluster.relay(1).requestsTo('PUT')).toBe(1 + round)
    }
    await subscription.opened()
    await subscription.close()
    const forgetful = (_request: IncomingMessage, response: ServerResponse): boolean => {
      response.on('finish', () => cluster.relay(1).channels.forget(channel.id))
      return false
    }
    cluster.relay(1).channels.forget(channel.id)
    const frozen = cluster.client({ clock: new FakeClock(), random: () => 0.5 })
    const own = await frozen.channels.get<number>(channel.id, { genesis: channel.genesis })
    cluster.relay(1).faults = { answer: forgetful }
    const before = streams(1)
    own.subscribe()
    await expect.poll(() => frozen.errors.map(({ code }) => code)).toContain('unknown_channel')
    await turns()
    expect(streams(1) - before).toBe(2)
  })
})

describe('cursors', () => {
  /** Invented origins; `padding` more characters than their numbers need. */
  const bogus = (channel: string, origins: number, padding = 0): string => {
    const counts = range(1, origins).map((n) => [`9-${1_700_000_000_000 + n}`, [n <= padding ? 36 : 1]])
    return encodeCursor(channel, VersionVector.from(Object.fromEntries(counts) as Record<string, number[]>))
  }

  async function expectUnharmed(lie: (channel: Channel<number>) => string): Promise<void> {
    cluster = await Cluster.start({ relays: 2 })
    const channel = await cluster.client().channels.create<number>()
    cluster.relay(1).faults = { says: [{ type: 'keepalive', cursor: lie(channel) }] }
    const client = cluster.client()
    const subscription = (await client.channels.get<number>(channel.id)).subscribe({ from: 'start' })
    await reached(subscription, 'connected')
    for (const n of range(1, 3)) await channel.publish(n)
    expect(await take(subscription, 3)).toEqual([1, 2, 3])
    await cluster.relay(2).kill()
    await cluster.relay(2).start()
    await reached(subscription, 'connected')
    await channel.publish(4)
    expect(await take(subscription, 1)).toEqual([4])
    // Both servers have said it.
    await channel.publish(5)
    expect(await take(subscription, 1)).toEqual([5])
    expect(client.errors.filter(({ code }) => code === 'invalid_message')).toEqual([])
  }

  it.each([8_192, 7_168])('that fill the room (%i characters) do not turn the messages of honest servers away', async (room) => {
    await expectUnharmed(({ id }) => {
      const origins = range(1, 620).findLast((count) => bogus(id, count).length <= room) ?? 0
      const full = bogus(id, origins, room - bogus(id, origins).length)
      expect(full).toHaveLength(room)
      return full
    })
  })

  it('with a few invented origins do no harm', async () => {
    await expectUnharmed(({ id }) => bogus(id, 3))
  })

  it('of another channel do not end a subscription when two servers have them', async () => {
    cluster = await Cluster.start({ relays: 2 })
    const channel = await cluster.client().channels.create<number>()
    const open = { type: 'open', channel: channel.id, server: 1, cursor: encodeCursor('x'.repeat(43), new VersionVector()) }
    for (const relay of cluster.relays) {
      relay.faults = {
        answer: ({ url }, response) => {
          if (!url?.includes('/stream')) return false
          response.writeHead(200).end(`${JSON.stringify(open)}\n`)
          return true
        },
      }
    }
    const client = cluster.client()
    const subscription = (await client.channels.get<number>(channel.id)).subscribe()
    await expect.poll(() => new Set(client.errors.map(({ server }) => server)).size).toBe(2)
    for (const relay of cluster.relays) relay.faults = {}
    await subscription.opened()
  })
})

describe('answers', () => {
  it('without an end are cut, errors soon', async () => {
    cluster = await Cluster.start({ relays: 2 })
    const channel = await cluster.client().channels.create<number>()
    for (const [status, atMost] of [
      [500, 2],
      [200, 80],
    ] as const) {
      const poured: ReturnType<typeof pour>[] = []
      cluster.relay(1).faults = {
        answer: (_request, response) => {
          response.writeHead(status)
          poured.push(pour(response, 400 * 2 ** 20))
          return true
        },
      }
      const client = cluster.client({ timing: { publishAttemptMs: 10_000, requestMs: 10_000 } })
      const own = await client.channels.get<number>(channel.id, { genesis: channel.genesis })
      expect((await own.publish(1)).server.id).toBe(2)
      await expect.poll(() => poured.map((flow) => flow.ended())).toEqual([true])
      expect(poured[0]?.sent()).toBeLessThan(atMost * 2 ** 20)
    }
  })

  it('do not lead to an address that nobody registered', async () => {
    cluster = await Cluster.start({ relays: 2 })
    const channel = await cluster.client().channels.create<number>()
    const elsewhere = cluster.relay(2)
    cluster.relay(1).faults = {
      answer: ({ url }, response) => {
        response.writeHead(307, { location: `${elsewhere.endpoint}/inner${url}` }).end()
        return true
      },
    }
    const client = cluster.client()
    expect((await (await client.channels.get<number>(channel.id)).publish(1)).server.id).toBe(2)
    expect(elsewhere.requestsTo('/inner')).toBe(0)
  })

  it('with more items than a page has are refused', async () => {
    cluster = await Cluster.start({ relays: 1 })
    const channel = await cluster.client().channels.create<number>()
    await channel.publish(1)
    const [item] = (await channel.history()).items
    expect(item?.data).toBe(1)
    const response = await fetch(`${cluster.relay(1).endpoint}/channel/${channel.id}/messages`)
    const page = (await response.json()) as { items: unknown[]; next: null }
    cluster.relay(1).faults = {
      answer: (_request, answer) => {
        answer.end(JSON.stringify({ ...page, items: Array.from({ length: 501 }, () => page.items[0]) }))
        return true
      },
    }
    const own = await cluster.client({ timing: { requestDeadlineMs: 200 } }).channels.get<number>(channel.id, { genesis: channel.genesis })
    await expect(own.history()).rejects.toMatchObject({ code: 'timeout', cause: { code: 'invalid_response' } })
  })
})
