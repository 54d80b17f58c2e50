import type { ChannelPage } from '@dred/protocol'
import { afterAll, expect, test } from 'vitest'
import { self, genesis } from '../store/testing/samples.ts'
import { expectProblem, TestClient } from '../testing/test-client.ts'
import { createChannel, startTestNode, testSigner } from '../testing/test-node.ts'

const node = await startTestNode()
const client = new TestClient(node, await testSigner())
for (const name of ['Poker of Ada', 'Poker of Bob', 'video poker', 'Go']) await createChannel(node.url, client.signer, { name })
await node.store.append(genesis('Poker in private', { access: 'members', createdAt: Date.now() }), self, 1)
afterAll(() => node.close())

async function names(query: string): Promise<(string | undefined)[]> {
  const found: (string | undefined)[] = []
  for (let next: string | null | undefined; next !== null; ) {
    const { response, json } = await client.call({ path: `/channels?${query}${next === undefined ? '' : `&cursor=${next}`}` })
    expect(response.status).toBe(200)
    const page = json as ChannelPage
    found.push(...page.items.map((item) => item.genesis.name))
    next = page.next
  }
  return found.toSorted((a = '', b = '') => (a < b ? -1 : 1))
}

test('channels are found by a part of their name, page by page', async () => {
  expect(await names('q=poker&limit=1')).toEqual(['Poker of Ada', 'Poker of Bob', 'video poker'])
  expect(await names('q=poker%20OF')).toEqual(['Poker of Ada', 'Poker of Bob'])
  expect(await names('q=123')).toEqual([])
})

test('those of members are not listed', async () => {
  expect(await names('')).toEqual(['Go', 'Poker of Ada', 'Poker of Bob', 'video poker'])
})

test('what is no search is refused', async () => {
  for (const query of ['q=', `q=${'x'.repeat(65)}`, 'q=a&q=b', 'limit=0', 'name=x']) {
    await expectProblem(client, { path: `/channels?${query}` }, 'malformed_request')
  }
  await expectProblem(client, { path: '/channels?q=a&cursor=b' }, 'malformed_cursor')
  await expectProblem(client, { path: '/channels?q=a&neighborhood=2' }, 'wrong_neighborhood')
})
