import { once } from 'node:events'
import { connect } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createChannel, startTestNode, type TestNode, testSigner } from '../testing/test-node.ts'

let node: TestNode
beforeAll(async () => {
  node = await startTestNode()
})
afterAll(() => node.close())

/** What is answered to these requests until the connection ends. */
async function answers(text: string): Promise<string> {
  const socket = connect(Number(new URL(node.url).port), '127.0.0.1').setEncoding('latin1')
  let received = ''
  socket.on('data', (chunk) => (received += String(chunk)))
  socket.write(text)
  await once(socket, 'close')
  return received
}

test('leave to go on never stands within an answer that waits for its turn', async () => {
  const channel = await createChannel(node.url, await testSigner())
  const page = (headers = ''): string => `GET /channel/${channel}/messages HTTP/1.1\r\nhost: x\r\n${headers}\r\n`
  const expecting = 'expect: 100-continue\r\n'
  // Without leave Node ends the connection: nobody knows whether the body is going to come.
  const received = await answers(page() + page(expecting))
  const body = /\r\n\r\n\{"items":\[\],"next":null,"cursor":"[^"]+"\}/g
  expect(received.match(body)).toHaveLength(2)
  expect(received.match(/HTTP\/1\.1 /g)).toHaveLength(2)
})

test('a request whose turn it is gets leave to go on', async () => {
  expect(await answers('GET /channels HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\nconnection: close\r\n\r\n')).toMatch(
    /^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 OK\r\n/,
  )
})

test('what else is expected is passed over', async () => {
  expect(await answers('GET /channels HTTP/1.1\r\nhost: x\r\nexpect: nonsense\r\nconnection: close\r\n\r\n')).toMatch(
    /^HTTP\/1\.1 200 OK\r\n/,
  )
})
