import { expect, it } from 'vitest'
import { openSqliteStore } from '../store/sqlite.ts'
import { Nodes } from '../testing/nodes.ts'
import { createChannel, publish, testSigner } from '../testing/test-node.ts'

it('a server without room gets what it missed once it has some', async () => {
  const nodes = await Nodes.start(2, {
    open: (id) => openSqliteStore({ path: ':memory:', ...(id === 2 ? { maxBytes: 2_097_152 } : {}) }),
  })
  try {
    const signer = await testSigner()
    const stored = new Set<string>()
    const store = nodes.store(2)
    store.onAppended(({ id }) => stored.add(id))
    const channel = await createChannel(nodes.url(1), signer)
    const sent: string[] = []
    const say = async (length: number): Promise<void> => {
      const { status, body } = await publish(nodes.url(1), channel, { signer, message: [sent.length, 'x'.repeat(length)] })
      expect(status).toBe(201)
      sent.push(String(body['id']))
    }
    const incarnation = async (): Promise<unknown> => {
      const { body } = await publish(nodes.url(2), channel, { signer, message: crypto.randomUUID() })
      return (body['receipt'] as Record<string, unknown>)['incarnation']
    }
    await expect.poll(async () => (await nodes.call(2, `/channel/${channel}`)).status).toBe(200)
    const before = await incarnation()
    for (let i = 0; i < 120; i++) await say(20_000)
    await expect.poll(() => store.ping().catch((error) => error.code), { timeout: 10_000 }).toBe('storage_full')
    expect(stored.size).toBeLessThan(sent.length)
    for (let i = 0; i < 5; i++) await say(10)
    await store.cut({ totalMessages: 0 }, Date.now())
    await expect.poll(() => sent.filter((id) => !stored.has(id)), { timeout: 20_000, interval: 100 }).toEqual([])
    // It was never taken for one that has lost something.
    expect(await incarnation()).toBe(before)
    await expect.poll(async () => (await nodes.store(1).vector()).toData()).toEqual((await store.vector()).toData())
  } finally {
    await nodes.close()
  }
}, 40_000)
