import { connect as connectHttp2 } from 'node:http2'
import { connect } from 'node:net'
import type { Signer } from '@dred/protocol'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createChannel, startTestNode, type TestNode, testSigner } from '../testing/test-node.ts'

let node: TestNode
let signer: Signer
beforeEach(async () => {
  node = await startTestNode()
  signer = await testSigner()
})
afterEach(() => node.close())

/** Counted by the code of the problem that was answered. */
async function problems(): Promise<string[]> {
  const metrics = await (await fetch(`${node.adminUrl}/metrics`)).text()
  return metrics.split('\n').filter((line) => line.startsWith('dred_problems_total{'))
}

test('a client that leaves while its requests are worked on is no fault of the server', async () => {
  const channel = await createChannel(node.url, signer)
  const paths = [`/channel/${channel}/messages`, '/channels', `/channel/${channel}/stream`, `/channel/${channel}`]
  const port = Number(new URL(node.url).port)
  for (let round = 0; round < 60; round++) {
    const socket = connect({ port, host: '127.0.0.1' }).on('error', () => undefined)
    const session = connectHttp2(node.url, { createConnection: () => socket }).on('error', () => undefined)
    for (const path of [...paths, ...paths])
      session
        .request({ ':path': path })
        .on('error', () => undefined)
        .resume()
    await new Promise((resolve) => setTimeout(resolve, round % 8))
    socket.resetAndDestroy()
    session.destroy()
  }
  await expect.poll(async () => (await fetch(`${node.adminUrl}/metrics`)).text()).toMatch(/^dred_streams_open 0$/m)
  expect((await problems()).filter((line) => line.includes('internal'))).toEqual([])
})
