import { afterEach, expect, test, vi } from 'vitest'
import { VersionVector } from '@dred/protocol'
import { handedOn } from './handing-on.ts'
import type { Confirmation } from './peers/port.ts'
import { Nodes } from './testing/nodes.ts'
import { StreamReader } from './testing/stream-client.ts'
import { createChannel, publish, startTestNode, testSigner } from './testing/test-node.ts'

afterEach(() => vi.useRealTimers())

test('before it goes a server serves on for a while, but says that it is not ready', async () => {
  const node = await startTestNode({ drain: { delayMs: 500, retryMs: 300, timeoutMs: 1_000 } })
  const signer = await testSigner()
  const channel = await createChannel(node.url, signer)
  const reader = await StreamReader.open(`${node.url}/channel/${channel}/stream`)
  await reader.untilCaughtUp()
  const closed = node.close()
  const ready = await fetch(`${node.adminUrl}/readyz`)
  expect([ready.status, await ready.json()]).toMatchObject([
    503,
    { checks: { serving: { ok: false, detail: 'it ends, or was told to drain' } } },
  ])
  expect((await publish(node.url, channel, { signer, message: 'late' })).status).toBe(201)
  await reader.ended
  expect(reader.messages.map(({ message }) => message)).toEqual(['late'])
  const last = reader.events.at(-1) as { retryMs: number }
  expect(last).toMatchObject({ type: 'close', reason: 'shutting_down', cursor: expect.any(String) as unknown })
  expect(last.retryMs).toBeGreaterThanOrEqual(300)
  expect(last.retryMs).toBeLessThanOrEqual(600)
  await closed
  await expect(fetch(`${node.url}/channels`)).rejects.toThrow('fetch failed')
})

test('the return of many streams is spread', async () => {
  const node = await startTestNode({ drain: { delayMs: 0, retryMs: 10_000, timeoutMs: 1_000 } })
  const channel = await createChannel(node.url, await testSigner())
  const readers = await Promise.all(Array.from({ length: 12 }, () => StreamReader.open(`${node.url}/channel/${channel}/stream`)))
  await Promise.all(readers.map((reader) => reader.untilCaughtUp()))
  await node.close()
  await Promise.all(readers.map(({ ended }) => ended))
  const times = readers.map(({ events }) => (events.at(-1) as { retryMs: number }).retryMs)
  expect(Math.min(...times)).toBeGreaterThanOrEqual(10_000)
  expect(Math.max(...times)).toBeLessThanOrEqual(20_000)
  expect(new Set(times).size).toBeGreaterThan(8)
})

test('a server that goes leaves its last messages with its peers', async () => {
  const nodes = await Nodes.start(2)
  const signer = await testSigner()
  await expect.poll(() => nodes.store(2).vector(), { timeout: 10_000 }).toBeDefined()
  const channel = await createChannel(nodes.url(1), signer)
  await expect.poll(async () => (await fetch(`${nodes.url(2)}/channel/${channel}`)).status, { timeout: 10_000 }).toBe(200)
  const sent = await Promise.all(Array.from({ length: 50 }, (_, i) => publish(nodes.url(1), channel, { signer, message: i })))
  await nodes.stop(1)
  const ids = sent.map(({ id }) => id)
  expect(await nodes.store(2).unknown(ids)).toEqual([])
  await nodes.close()
})

function world() {
  let said: Confirmation = { upTo: [], servers: 3 }
  let tell = (): void => undefined
  const replicator = {
    connected: () => [2, 3],
    confirmed: () => said,
    onConfirmed: (listener: () => void) => {
      tell = listener
      return () => undefined
    },
  }
  const confirm = (upTo: number[]): void => {
    said = { upTo, servers: 3 }
    tell()
  }
  const vector = async () => VersionVector.from({ '1-5': [9] })
  return { replicator, confirm, store: { vector }, self: () => ({ server: 1, incarnation: 5 }) }
}

test('it waits for all that are linked, and for the last message', async () => {
  const { confirm, ...handing } = world()
  const outcome = handedOn(handing, 60_000)
  let over = false
  void outcome.then(() => (over = true))
  const settle = () => new Promise((resolve) => setImmediate(resolve))
  await settle()
  confirm([9, 9])
  await settle()
  confirm([9, 9, 8])
  await settle()
  expect(over).toBe(false)
  confirm([9, 9, 9])
  expect(await outcome).toBe(true)
})

test('it does not wait longer than it may, nor for peers that have gone, nor for a store that is away', async () => {
  const handing = world()
  expect(await handedOn(handing, 30)).toBe(false)
  let linked = [2]
  const leaving = handedOn({ ...handing, replicator: { ...handing.replicator, connected: () => linked } }, 60_000)
  linked = []
  expect(await leaving).toBe(true)
  const away = { vector: () => Promise.reject(new Error('away')) }
  expect(await handedOn({ ...handing, store: away }, 60_000)).toBe(true)
})
