import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { createChannel, startTestNode, type TestNode, testSigner } from '../testing/test-node.ts'
import { TestClient } from '../testing/test-client.ts'
import { problemChannel } from './problem-channel.ts'

let node: TestNode
beforeAll(async () => {
  node = await startTestNode()
})
afterAll(() => node.close())

function listen(): unknown[] {
  const told: unknown[] = []
  const listener = (problem: unknown): number => told.push(problem)
  subscribe(problemChannel.name, listener)
  onTestFinished(() => void unsubscribe(problemChannel.name, listener))
  return told
}

const call = (path: string, body: object): Promise<Response> =>
  fetch(node.url + path, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) })

test('each message that is refused of a batch is told, as if it had come alone', async () => {
  const client = new TestClient(node, await testSigner())
  const channel = await createChannel(node.url, client.signer)
  const good = await client.signed(channel)
  const told = listen()
  const response = await call(`/channel/${channel}/messages`, { messages: [good, { ...good, message: 'another' }, 1] })
  expect(response.status).toBe(200)
  await response.text()
  expect(told).toEqual(['invalid_signature', 'malformed_message'].map((code) => ({ method: 'POST', route: '/channel/:id', code })))
})

test('each channel that a stream cannot follow is told, as if it were alone', async () => {
  const told = listen()
  const response = await call('/channels/stream', { channels: { ['A'.repeat(43)]: null } })
  expect(response.status).toBe(200)
  const reader = response.body?.getReader()
  await reader?.read()
  expect(told).toEqual([{ method: 'GET', route: '/channel/:id/stream', code: 'unknown_channel' }])
  await reader?.cancel()
})
