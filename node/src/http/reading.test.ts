import { afterAll, describe, expect, test } from 'vitest'
import { expectProblem, TestClient } from '../testing/test-client.ts'
import { createChannel, publish, startTestNode, testSigner } from '../testing/test-node.ts'

const UNKNOWN = 'A'.repeat(43)

const node = await startTestNode()
const signer = await testSigner()
const client = new TestClient(node, signer)
const channel = await createChannel(node.url, signer)
afterAll(() => node.close())

describe('reading', () => {
  const paths = (id: string): string[] => [`/channel/${id}`, `/channel/${id}/messages`, `/channel/${id}/stream`]

  test.each(paths(UNKNOWN))('GET %s is an unknown channel', async (path) => {
    await expectProblem(client, { path }, 'unknown_channel')
  })

  test('parameters are checked', async () => {
    for (const query of ['limit=0', 'limit=501', 'limit=x', 'limit=1.5', 'limit=1&limit=2', 'after=', `after=x&before=y`]) {
      await expectProblem(client, { path: `/channel/${channel}/messages?${query}` }, 'malformed_request')
    }
    for (const query of ['last=-1', 'last=501', 'from=end', 'last=1&from=start', 'after=x&last=1']) {
      await expectProblem(client, { path: `/channel/${channel}/stream?${query}` }, 'malformed_request')
    }
    for (const query of ['limit=0', 'neighborhood=x', 'neighborhood=0'])
      await expectProblem(client, { path: `/channels?${query}` }, 'malformed_request')
    await expectProblem(client, { path: '/channels?neighborhood=2' }, 'wrong_neighborhood')
    await expectProblem(client, { path: '/channels?cursor=x' }, 'malformed_cursor')
  })

  test('cursors are checked', async () => {
    const other = await createChannel(node.url, signer)
    const { json } = await client.call({ path: `/channel/${other}` })
    for (const path of [
      `/channel/${channel}/messages?after=`,
      `/channel/${channel}/messages?before=`,
      `/channel/${channel}/stream?after=`,
    ]) {
      await expectProblem(client, { path: `${path}nonsense` }, 'malformed_cursor')
      await expectProblem(client, { path: `${path}1.${channel.slice(0, 12)}.zz-zz` }, 'malformed_cursor')
      await expectProblem(client, { path: path + String(json['cursor']) }, 'cursor_of_another_channel')
    }
    await expectProblem(client, { path: `/channel/${channel}/stream`, headers: { 'last-event-id': 'nonsense' } }, 'malformed_cursor')
  })

  test('lists page by page', async () => {
    for (let i = 0; i < 4; i++) await createChannel(node.url, signer)
    const seen: string[] = []
    let cursor = ''
    do {
      const { response, json } = await client.call({ path: `/channels?neighborhood=1&limit=2${cursor === '' ? '' : `&cursor=${cursor}`}` })
      expect(response.status).toBe(200)
      seen.push(...(json['items'] as { id: string }[]).map(({ id }) => id))
      cursor = typeof json['next'] === 'string' ? json['next'] : ''
    } while (cursor !== '')
    expect(seen.length).toBeGreaterThan(4)
    expect(seen).toEqual([...new Set(seen)].toSorted())
    expect(seen).toContain(channel)
  })
})

describe('time and retention', () => {
  test('expired messages are gone, and a cursor from before says so with one to go on from', async () => {
    const short = await createChannel(node.url, signer, { lifetimeMs: 20_000 })
    const { json: before } = await client.call({ path: `/channel/${short}` })
    await publish(node.url, short, { signer, message: 'old', sentAt: Date.now() - 15_000 })
    await publish(node.url, short, { signer, message: 'new' })
    expect(await node.store.purge(Date.now() + 10_000)).toBe(1)
    const cursor = String(before['cursor'])
    for (const path of [`/channel/${short}/messages?after=${cursor}`, `/channel/${short}/stream?after=${cursor}`]) {
      const problem = await expectProblem(client, { path }, 'cursor_expired')
      const page = await client.call({ path: `/channel/${short}/messages?after=${String(problem['oldest'])}` })
      expect(page.json['items']).toMatchObject([{ message: 'new' }])
    }
  })

  test('a channel without activity expires', async () => {
    const own = await startTestNode()
    try {
      const id = await createChannel(own.url, signer, { idleMs: 60_000 })
      expect((await publish(own.url, id, { signer, message: 1 })).status).toBe(201)
      own.advance(61_000)
      for (const path of [`/channel/${id}`, `/channel/${id}/messages`, `/channel/${id}/stream`]) {
        expect((await fetch(own.url + path)).status).toBe(410)
      }
      expect(await publish(own.url, id, { signer, message: 2 })).toMatchObject({ status: 410, body: { code: 'channel_expired' } })
      expect(await (await fetch(`${own.url}/channels`)).json()).toEqual({ items: [], next: null })
    } finally {
      await own.close()
    }
  })
})
