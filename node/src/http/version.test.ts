import { afterAll, expect, test } from 'vitest'
import { StreamReader } from '../testing/stream-client.ts'
import { expectProblem, TestClient } from '../testing/test-client.ts'
import { createChannel, startTestNode, testSigner } from '../testing/test-node.ts'

const node = await startTestNode()
const client = new TestClient(node, await testSigner())
afterAll(() => node.close())

test('every answer names the version, to browsers too', async () => {
  for (const [method, path] of [
    ['GET', '/channels'],
    ['GET', '/nothing'],
    ['GET', '/%zz'],
    ['OPTIONS', '/channels'],
    ['POST', '/channels'],
  ] as const) {
    const { response } = await client.call({ method, path, headers: { origin: 'https://page.example' } })
    expect(response.headers.get('dred-version')).toBe('1')
  }
  const { response } = await client.call({ path: '/channels', headers: { origin: 'https://page.example' } })
  expect(response.headers.get('access-control-expose-headers')).toContain('dred-version')
})

test('a stream too', async () => {
  const id = await createChannel(node.url, client.signer)
  const reader = await StreamReader.open(`${node.url}/channel/${id}/stream`, { 'dred-version': '1' })
  expect(reader.headers['dred-version']).toBe('1')
  reader.stop()
})

test('a page may ask for it', async () => {
  const headers = {
    origin: 'https://page.example',
    'access-control-request-method': 'GET',
    'access-control-request-headers': 'dred-version,dred-capability,authorization',
  }
  const { response } = await client.call({ method: 'OPTIONS', path: '/channels', headers })
  expect(response.headers.get('access-control-allow-headers')).toContain('dred-version')
})

test('another version is refused', async () => {
  expect(await client.status({ path: '/channels', headers: { 'dred-version': '1' } })).toBe(200)
  for (const version of ['2', '0', '', 'one', '1, 2']) {
    await expectProblem(client, { path: '/channels', headers: { 'dred-version': version } }, 'unsupported_version')
  }
})
