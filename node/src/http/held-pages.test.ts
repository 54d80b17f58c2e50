import { once } from 'node:events'
import { connect as connect2 } from 'node:http2'
import { connect } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { openSqliteStore } from '../store/sqlite.ts'
import { createChannel, publish, startTestNode, testSigner } from '../testing/test-node.ts'

const SLOW_MS = 30

test.each(['HTTP/1.1', 'HTTP/2'])('an answer whose reader has left before it was made is not waited for: %s', async (version) => {
  const store = await openSqliteStore({ path: ':memory:' })
  const { readBackward } = { readBackward: store.readBackward.bind(store) }
  store.readBackward = async (...args) => {
    await delay(SLOW_MS)
    return readBackward(...args)
  }
  const node = await startTestNode({ http: { heldPageBytes: { total: 100_000, perAddress: 100_000 } } }, { store })
  const signer = await testSigner()
  const channel = await createChannel(node.url, signer)
  await publish(node.url, channel, { signer, message: 'x'.repeat(50_000) })
  const path = `/channel/${channel}/messages`
  for (let i = 0; i < 4; i++) {
    if (version === 'HTTP/2') {
      const session = connect2(node.url)
      const stream = session.request({ ':path': path })
      await once(session, 'remoteSettings')
      stream.on('error', () => undefined).close()
      await delay(2 * SLOW_MS)
      session.destroy()
    } else {
      const socket = connect(Number(new URL(node.url).port), '127.0.0.1')
      socket.write(`GET ${path} HTTP/1.1\r\nhost: x\r\n\r\n`)
      await delay(SLOW_MS / 2)
      socket.destroy()
      await delay(2 * SLOW_MS)
    }
  }
  expect((await fetch(node.url + path)).status).toBe(200)
  await node.close()
})
