import type { Signer } from '@dred/protocol'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Entry } from './store/port.ts'
import { at, message } from './store/testing/samples.ts'
import { registeredServer } from './testing/registry-view.ts'
import { type LossyStore, openLossyStore } from './testing/lossy-store.ts'
import { StreamReader } from './testing/stream-client.ts'
import { createChannel, publish, startTestNode, type TestNode, testSigner } from './testing/test-node.ts'

let store: LossyStore
let node: TestNode
let signer: Signer
let channel: string

beforeEach(async () => {
  store = await openLossyStore()
  node = await startTestNode({}, { store })
  signer = await testSigner()
  channel = await createChannel(node.url, signer)
})
afterEach(() => node.close())

const say = (value: unknown) => publish(node.url, channel, { signer, message: value })
const receiptOf = ({ body }: { body: Record<string, unknown> }) => body['receipt'] as Record<string, number>

/** The peer's signature is its own affair: a store does not verify. */
const fromPeer = (n: number): Entry => at(message(channel, `peer ${n}`, { sentAt: Date.now() }), [2, 7, n])

async function history(): Promise<unknown[]> {
  const response = await fetch(`${node.url}/channel/${channel}/messages`)
  const page = (await response.json()) as { items: { message: unknown }[] }
  return page.items.map(({ message }) => message)
}

describe('a store that was out of reach', () => {
  test('and lost its tail is given again what clients were told is stored', async () => {
    const acknowledged = [await say(1), await say(2), await say(3)]
    store.goAway()
    expect((await say(4)).status).toBe(503)
    await store.comeBack(2)
    await expect.poll(history).toEqual([1, 2, 3])
    const again = await say(3.5)
    expect(again.status).toBe(201)
    expect(receiptOf(again)['incarnation']).toBeGreaterThan(receiptOf(acknowledged[0] ?? again)['incarnation'] ?? Number.NaN)
  })

  test('may even come back without the channel', async () => {
    await say(1)
    store.goAway()
    await store.comeBack(0)
    await expect.poll(async () => (await fetch(`${node.url}/channel/${channel}`)).status).toBe(200)
    await expect.poll(history).toEqual([1])
  })

  test('never sees a coordinate twice', async () => {
    const seen = new Map<string, unknown>()
    for (let round = 0; round < 3; round++) {
      for (let i = 0; i < 3; i++) {
        const { server, incarnation, n } = receiptOf(await say(`${round} ${i}`))
        const coordinate = `${server}-${incarnation}-${n}`
        expect(seen.get(coordinate)).toBeUndefined()
        seen.set(coordinate, i)
      }
      store.goAway()
      await store.comeBack(2)
    }
  })

  test('sends readers back with their cursors, from which they miss nothing', async () => {
    const reader = await StreamReader.open(`${node.url}/channel/${channel}/stream`)
    await reader.untilCaughtUp()
    await say('a')
    await reader.until(({ messages }) => messages.length === 1)
    store.goAway()
    await store.comeBack(1)
    await reader.ended
    const close = reader.events.at(-1)
    expect(close).toMatchObject({ type: 'close', reason: 'store_unavailable' })
    await expect.poll(history).toEqual(['a'])
    await say('b')
    const again = await StreamReader.open(`${node.url}/channel/${channel}/stream?after=${close && 'cursor' in close ? close.cursor : ''}`)
    await again.untilCaughtUp()
    await say('c')
    await again.until(({ messages }) => messages.at(-1)?.message === 'c')
    const ids = new Set([...reader.messages, ...again.messages].map(({ message }) => message))
    expect([...ids]).toEqual(['a', 'b', 'c'])
    again.stop()
  })

  test('refuses a stream whose start it looked for before', async () => {
    const purged = store.purged.bind(store)
    const [asked, gate] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
    store.purged = async (id) => {
      const found = await purged(id)
      asked.resolve()
      await gate.promise
      return found
    }
    const answer = fetch(`${node.url}/channel/${channel}/stream?from=start`)
    await asked.promise
    store.goAway()
    await store.comeBack(1)
    gate.resolve()
    const response = await answer
    expect(response.status).toBe(503)
    expect(await response.json()).toMatchObject({ code: 'store_unavailable', retryable: true })
  })

  test('passes on again what peers bring back, to readers that came in between', async () => {
    await store.replicate(fromPeer(1))
    await say('a')
    store.goAway()
    await store.comeBack(1)
    await expect.poll(history).toEqual(['a'])
    const reader = await StreamReader.open(`${node.url}/channel/${channel}/stream`)
    await reader.untilCaughtUp()
    await store.replicate(fromPeer(1))
    await reader.until(({ messages }) => messages.length === 1)
    expect(reader.messages[0]).toMatchObject({ origin: { server: 2, incarnation: 7, n: 1 } })
    reader.stop()
  })

  test('makes the server unready, with the reason', async () => {
    store.goAway()
    const response = await fetch(`${node.adminUrl}/readyz`)
    expect(response.status).toBe(503)
    expect(await response.json()).toMatchObject({ ready: false, checks: { store: { ok: false }, chain: { ok: true } } })
    expect((await fetch(`${node.adminUrl}/livez`)).status).toBe(200)
  })
})

test('a server that does not see the chain, or is not registered, is not ready', async () => {
  node.registry.isFresh = false
  expect(await (await fetch(`${node.adminUrl}/readyz`)).json()).toMatchObject({ ready: false, checks: { chain: { ok: false } } })
  node.registry.isFresh = true
  expect((await fetch(`${node.adminUrl}/readyz`)).status).toBe(200)
  node.registry.set([registeredServer(2)])
  expect(await (await fetch(`${node.adminUrl}/readyz`)).json()).toMatchObject({ ready: false, checks: { registered: { ok: false } } })
})

describe('what the registry says of a server', () => {
  const readiness = async () => {
    const response = await fetch(`${node.adminUrl}/readyz`)
    return (await response.json()) as { ready: boolean; checks: Record<string, { ok: boolean; detail: string }> }
  }
  const metric = async (name: string) => {
    const text = await (await fetch(`${node.adminUrl}/metrics`)).text()
    return new RegExp(`^${name} (.*)$`, 'm').exec(text)?.[1]
  }

  test.each([
    [{ status: 'pending', validUntil: 0 }, 'pending: ', 'first attestation'],
    [{ status: 'pending', validUntil: 1 }, 'lapsed: ', '1970'],
    [{ status: 'active', validUntil: 1 }, 'lapsed: ', 'attested again'],
    [{ status: 'active', validUntil: 4_000_000_000 }, 'active: ', '2096'],
  ] as const)('lets it serve when it is %o', async (fields, state, words) => {
    node.registry.set([{ ...node.self, ...fields }])
    const { ready, checks } = await readiness()
    expect(ready).toBe(true)
    expect(checks['registered']?.detail).toMatch(new RegExp(`^${state}.*${words}`))
    expect((await say(1)).status).toBe(201)
    expect(await metric('dred_serving')).toBe('1')
    expect(await metric('dred_attested_until_seconds')).toBe(String(fields.validUntil))
    expect(await metric('dred_key_accepted_until_seconds')).toBe('+Inf')
  })

  test.each([
    ['exiting', 'exit'],
    ['withdrawn', 'stake was paid out'],
    ['slashed', 'two histories'],
  ] as const)('ends its service when it is %s, with the reason', async (status, words) => {
    const reader = await StreamReader.open(`${node.url}/channel/${channel}/stream`)
    await reader.untilCaughtUp()
    node.registry.set([{ ...node.self, status }])
    await reader.ended
    expect(reader.events.at(-1)).toMatchObject({ type: 'close', reason: 'not_serving' })
    const { ready, checks } = await readiness()
    expect(ready).toBe(false)
    expect(checks['registered']).toMatchObject({ ok: false, detail: expect.stringContaining(words) })
    expect(await say(1)).toMatchObject({ status: 503, body: { code: 'not_serving', detail: expect.stringContaining(words) } })
    expect(await metric('dred_serving')).toBe('0')
  })

  test('warns while its key was replaced, and ends its service when that is no longer accepted', async () => {
    const { keyX, keyY, keyId } = registeredServer(9)
    const acceptedUntil = node.registry.time() + 60
    node.registry.set([{ ...node.self, keyX, keyY, keyId, formerKeys: [{ ...node.self, acceptedUntil }] }])
    expect((await say(1)).status).toBe(201)
    expect(await readiness()).toMatchObject({
      ready: true,
      checks: { key: { ok: true, detail: expect.stringContaining(`replaced by ${keyId}`) } },
    })
    expect(await metric('dred_key_accepted_until_seconds')).toBe(String(acceptedUntil))

    node.registry.time = () => acceptedUntil + 1
    node.registry.notice()
    expect(await readiness()).toMatchObject({ ready: false, checks: { registered: { ok: true }, key: { ok: false } } })
    expect(await say(2)).toMatchObject({
      status: 503,
      body: { code: 'not_serving', detail: expect.stringContaining('start this server with that key') },
    })
  })
})

test('messages that expire are deleted in time', async () => {
  const own = await startTestNode({ purgeEveryMs: 20 })
  const id = await createChannel(own.url, signer, { lifetimeMs: 1_000 })
  await publish(own.url, id, { signer, message: 'short' })
  own.advance(2_000)
  await expect.poll(async () => (await own.store.channel(id))?.messages).toBe(0)
  await own.close()
})

test('duplicates are counted', async () => {
  const { signed } = await say(1)
  const init = { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(signed) }
  expect((await fetch(`${node.url}/channel/${channel}`, init)).status).toBe(200)
  const metrics = await (await fetch(`${node.adminUrl}/metrics`)).text()
  expect(metrics).toMatch(/^dred_duplicates_total 1$/m)
  expect(metrics).toMatch(/^dred_messages_accepted_total 1$/m)
})
