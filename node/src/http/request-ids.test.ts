import { expect, test } from 'vitest'
import { startTestNode } from '../testing/test-node.ts'

async function idOf(url: string, given: string): Promise<unknown> {
  const response = await fetch(`${url}/nowhere`, { headers: { 'x-request-id': given } })
  const { requestId } = (await response.json()) as { requestId: string }
  expect(response.headers.get('x-request-id')).toBe(requestId)
  return requestId
}

test('a request has the id that a trusted proxy gave it', async () => {
  const node = await startTestNode({ trustProxy: ['127.0.0.0/8'] })
  expect(await idOf(node.url, 'proxy-1.23:a')).toBe('proxy-1.23:a')
  for (const odd of ['', 'a b', '"}', 'x'.repeat(65)]) expect(await idOf(node.url, odd)).not.toBe(odd)
  await node.close()
})

test('others do not name requests', async () => {
  for (const trustProxy of [[], ['10.0.0.0/8']]) {
    const node = await startTestNode({ trustProxy })
    expect(await idOf(node.url, 'mine')).not.toBe('mine')
    await node.close()
  }
})
