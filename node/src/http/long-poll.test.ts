import { connect as connectTcp } from 'node:net'
import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import { limits, type MessagePage } from '@dred/protocol'
import { afterAll, expect, test } from 'vitest'
import { expectProblem, TestClient } from '../testing/test-client.ts'
import { createChannel, publish, startTestNode, type TestNode, testSigner } from '../testing/test-node.ts'

const node = await startTestNode()
const signer = await testSigner()
afterAll(() => node.close())

async function page(at: TestNode, channel: string, query: string): Promise<MessagePage> {
  const response = await fetch(`${at.url}/channel/${channel}/messages?${query}`)
  expect(response.status).toBe(200)
  return (await response.json()) as MessagePage
}

const beginning = (id: string): string => `1.${id.slice(0, 12)}.`
const say = (at: TestNode, id: string, message: unknown) => publish(at.url, id, { signer, message })
const values = ({ items }: MessagePage) => items.map(({ message }) => message)

test('a page says where to go on, also when it is the last', async () => {
  const id = await createChannel(node.url, signer)
  const empty = await page(node, id, '')
  expect(empty).toMatchObject({ items: [], next: null })
  for (let i = 0; i < 5; i++) await say(node, id, i)
  const newest = await page(node, id, 'limit=2')
  expect(values(newest)).toEqual([3, 4])
  expect(values(await page(node, id, `after=${empty.cursor}`))).toEqual([0, 1, 2, 3, 4])
  const some = await page(node, id, `after=${empty.cursor}&limit=3`)
  expect(some.cursor).toBe(some.next)
  const rest = await page(node, id, `after=${some.cursor}`)
  expect(values(rest)).toEqual([3, 4])
  expect(rest.next).toBeNull()
  const before = await page(node, id, `before=${some.cursor}&limit=1`)
  expect(values(before)).toEqual([2])
  expect(values(await page(node, id, `after=${before.cursor}`))).toEqual([3, 4])
  const none = await page(node, id, `after=${rest.cursor}`)
  expect([values(none), none.next, none.cursor]).toEqual([[], null, rest.cursor])
  await say(node, id, 5)
  expect(values(await page(node, id, `after=${newest.cursor}`))).toEqual([5])
})

test('what is there is answered at once', async () => {
  const id = await createChannel(node.url, signer)
  await say(node, id, 'x')
  const started = performance.now()
  expect(values(await page(node, id, `after=${beginning(id)}&waitMs=${limits.pollWaitMs}`))).toEqual(['x'])
  expect(performance.now() - started).toBeLessThan(5_000)
})

test('what is not, once it comes, without a gap from poll to poll', async () => {
  const id = await createChannel(node.url, signer)
  const got: unknown[] = []
  const reading = (async () => {
    for (let cursor = beginning(id); got.length < 30; ) {
      const next = await page(node, id, `after=${cursor}&waitMs=20000`)
      got.push(...values(next))
      cursor = next.cursor
    }
  })()
  for (let i = 0; i < 30; i++) await say(node, id, i)
  await reading
  expect(got).toEqual(Array.from({ length: 30 }, (_, i) => i))
})

test('nothing, when the time is over', async () => {
  const id = await createChannel(node.url, signer)
  const other = await createChannel(node.url, signer)
  const started = performance.now()
  const waiting = page(node, id, `after=${beginning(id)}&waitMs=200`)
  await say(node, other, 'elsewhere')
  const { items, next, cursor } = await waiting
  expect([items, next, cursor]).toEqual([[], null, beginning(id)])
  expect(performance.now() - started).toBeGreaterThanOrEqual(190)
})

test('nothing, when the server shuts down, which is not held up by it', async () => {
  const own = await startTestNode()
  const id = await createChannel(own.url, signer)
  const waiting = page(own, id, `after=${beginning(id)}&waitMs=20000`)
  await untilWaiting(own, id)
  const started = performance.now()
  await own.close()
  expect(performance.now() - started).toBeLessThan(2_000)
  expect(values(await waiting)).toEqual([])
})

/** A second request is refused while the only place is taken. */
async function untilWaiting(at: TestNode, id: string): Promise<void> {
  // The request's own turn: it holds nothing that could be asked for.
  while ((await (await fetch(`${at.adminUrl}/metrics`)).text()).match(/^dred_polls_waiting (\d+)/m)?.[1] === '0') await delay(5)
  expect(id).toBeDefined()
}

test('more requests than may wait are refused, and a place is free again when its reader leaves', async () => {
  const own = await startTestNode({ realtime: { maxPolls: 1 } })
  const client = new TestClient(own, signer)
  const id = await createChannel(own.url, signer)
  const path = `/channel/${id}/messages?after=${beginning(id)}&waitMs=20000`
  const { hostname, port } = new URL(own.url)
  const socket = connectTcp({ host: hostname, port: Number(port) })
  socket.write(`GET ${path} HTTP/1.1\r\nhost: x\r\n\r\n`)
  await untilWaiting(own, id)
  await expectProblem(client, { path }, 'too_many_streams')
  // Who does not wait takes no place.
  expect(await client.status({ path: `/channel/${id}/messages?after=${beginning(id)}` })).toBe(200)
  socket.destroy()
  await once(socket, 'close')
  while ((await (await fetch(`${own.adminUrl}/metrics`)).text()).match(/^dred_polls_waiting (\d+)/m)?.[1] !== '0') await delay(5)
  await say(own, id, 'x')
  expect(await client.status({ path })).toBe(200)
  await own.close()
})

test('what makes no sense is refused at once', async () => {
  const client = new TestClient(node, signer)
  const id = await createChannel(node.url, signer)
  const refused = (query: string, code: Parameters<typeof expectProblem>[2], channel = id) =>
    expectProblem(client, { path: `/channel/${channel}/messages?${query}` }, code)
  await refused('waitMs=100', 'malformed_request')
  await refused(`before=${beginning(id)}&waitMs=100`, 'malformed_request')
  await refused(`after=${beginning(id)}&waitMs=${limits.pollWaitMs + 1}`, 'malformed_request')
  await refused(`after=${beginning(id)}&waitMs=-1`, 'malformed_request')
  await refused('after=x&waitMs=20000', 'malformed_cursor')
  await refused(`after=${beginning('x'.repeat(43))}&waitMs=20000`, 'cursor_of_another_channel')
  const unknown = 'u'.repeat(43)
  await refused(`after=${beginning(unknown)}&waitMs=20000`, 'unknown_channel', unknown)
})
