import type { Signer } from '@dred/protocol'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { openSqliteStore } from '../store/sqlite.ts'
import { createChannel, publish, startTestNode, type TestNode, testSigner } from '../testing/test-node.ts'

let node: TestNode
let signer: Signer
beforeEach(async () => {
  const retention = { maxMessages: 2, maxChannels: 2, maxLifetimeMs: 60_000 }
  node = await startTestNode({ retention, purgeEveryMs: 20 })
  signer = await testSigner()
})
afterEach(() => node.close())

const read = async (path: string): Promise<Record<string, unknown>> =>
  (await (await fetch(node.url + path)).json()) as Record<string, unknown>
const history = async (channel: string): Promise<unknown[]> =>
  ((await read(`/channel/${channel}/messages`))['items'] as { message: unknown }[]).map(({ message }) => message)

it('keeps so much of a channel, and tells who asks for more that it is gone', async () => {
  const channel = await createChannel(node.url, signer)
  const { body } = await publish(node.url, channel, { signer, message: 1 })
  for (const message of [2, 3, 4]) await publish(node.url, channel, { signer, message })
  await expect.poll(() => history(channel)).toEqual([3, 4])
  expect(await read(`/channel/${channel}`)).toMatchObject({ messages: 2, retention: { maxMessages: 2, maxLifetimeMs: 60_000 } })
  const answer = await fetch(`${node.url}/channel/${channel}/messages?after=${String(body['cursor'])}`)
  expect([answer.status, await answer.json()]).toMatchObject([410, { code: 'cursor_expired', oldest: expect.any(String) }])
  node.advance(61_000)
  await expect.poll(() => history(channel)).toEqual([])
})

it('does not let more channels be created, but those that are known', async () => {
  const known = [await createChannel(node.url, signer), await createChannel(node.url, signer)]
  const { genesis } = await read(`/channel/${known[0]}`)
  const put = (id: string, body: unknown) =>
    fetch(`${node.url}/channel/${id}`, { method: 'PUT', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) })
  expect((await put(known[0] ?? '', genesis)).status).toBe(200)
  await expect(createChannel(node.url, signer)).rejects.toThrow('too_many_channels')
})

it('refuses messages while the store is full, serves what it has, and takes them again', async () => {
  const store = await openSqliteStore({ path: ':memory:', maxBytes: 2_097_152 })
  const full = await startTestNode({}, { store })
  const channel = await createChannel(full.url, signer)
  const taken: unknown[] = []
  let answer = await publish(full.url, channel, { signer, message: 0 })
  for (let i = 1; answer.status === 201; i++) {
    taken.push(i - 1)
    answer = await publish(full.url, channel, { signer, message: [i, 'x'.repeat(20_000)] })
  }
  expect(answer).toMatchObject({ status: 503, body: { code: 'storage_full', retryable: true } })
  const ready = async () => (await fetch(`${full.adminUrl}/readyz`)).json()
  expect(await ready()).toMatchObject({ checks: { store: { ok: false } } })
  const page = (await (await fetch(`${full.url}/channel/${channel}/messages?limit=100`)).json()) as { items: unknown[] }
  expect(page.items).toHaveLength(Math.min(100, taken.length))
  await store.cut({ totalMessages: 10 }, Date.now())
  expect((await publish(full.url, channel, { signer, message: 'again' })).status).toBe(201)
  await full.close()
})
