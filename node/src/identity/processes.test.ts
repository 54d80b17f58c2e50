import { encodeBase64url, sessionBytes } from '@dred/protocol'
import { expect, test } from 'vitest'
import { ServerNotices } from '../notices/notices.ts'
import { type Bus, noBus } from '../processes/bus.ts'
import { openSqliteStore } from '../store/sqlite.ts'
import { noChain } from '../testing/no-chain.ts'
import { MemoryRegistry, registeredServer } from '../testing/registry-view.ts'
import { newServerKey } from '../testing/server-key.ts'
import { testSigner } from '../testing/test-node.ts'
import { createIdentity } from './index.ts'

/** What is published reaches all others. */
function buses(count: number): Bus[] {
  const listeners = Array.from({ length: count }, () => new Set<(topic: string, text: string) => void>())
  return listeners.map((own) => ({
    publish: (topic, text) => {
      for (const others of listeners) if (others !== own) for (const listener of others) listener(topic, text)
    },
    subscribe: (topic, listener) => {
      const heard = (of: string, text: string): void => (of === topic ? listener(text) : undefined)
      own.add(heard)
      return () => own.delete(heard)
    },
  }))
}

test('a session is opened by one process of a server, used at another and ended for all', async () => {
  const key = await newServerKey()
  const { keyX, keyY, keyId } = key
  const registry = new MemoryRegistry([registeredServer(1, { keyX, keyY, keyId })])
  const store = await openSqliteStore({ path: ':memory:' })
  const now = Date.now
  const [first, second, third] = buses(3).map((bus) => {
    const notices = new ServerNotices({ store, bus: noBus, now })
    return createIdentity({ registry, self: { id: 1 }, key, wallets: noChain, notices, bus, now }).sessions
  })
  if (!first || !second || !third) throw new Error('three processes')
  const device = await testSigner()
  const asked = await first.open({ key: device.key })
  if (!('challenge' in asked)) throw new Error('a challenge')
  const { challenge } = asked.challenge
  const sig = encodeBase64url(await device.sign(sessionBytes(registry, { server: 1, key: device.key, challenge })))
  const opened = await second.open({ key: device.key, challenge, sig })
  if (!('session' in opened)) throw new Error('a session')
  const { token } = opened.session
  for (const process of [first, second, third]) expect(await process.judge(token)).toEqual({ device: device.key })

  third.close()
  await first.end(token)
  for (const process of [first, second]) await expect(process.judge(token)).rejects.toMatchObject({ code: 'unauthorized' })
  // It does not listen any more.
  expect(await third.judge(token)).toEqual({ device: device.key })
  await store.close()
})
