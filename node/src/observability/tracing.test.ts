import { afterEach, expect, test } from 'vitest'
import { createChannel, publish, startTestNode, testSigner } from '../testing/test-node.ts'
import { type Span, startCollector } from './testing/collector.ts'
import { openTracing, type Tracing } from './tracing.ts'

const closing: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

async function startTraced(sampleRatio: number) {
  const collector = await startCollector()
  closing.push(() => collector.close())
  const tracing = (await openTracing({ otlpUrl: collector.url, sampleRatio }, '0.0.0')) as Tracing
  const node = await startTestNode({}, { tracing })
  let ended = false
  const end = async (): Promise<Span[]> => {
    if (!ended) {
      ended = true
      await node.close()
      await tracing.close()
    }
    return collector.spans
  }
  closing.push(end)
  return { node, collector, end }
}

test('a publish is one trace: verified, stored, receipt, under the request', async () => {
  const { node, collector, end } = await startTraced(1)
  const signer = await testSigner()
  const channel = await createChannel(node.url, signer)
  const { signed } = await publish(node.url, channel, { signer, message: 'PAYLOAD' })
  const spans = await end()
  const root = spans.find(({ name }) => name === 'POST /channel/:id')
  const parts = spans.filter(({ traceId, name }) => traceId === root?.traceId && name !== root.name)
  expect(parts.map(({ name }) => name)).toEqual(expect.arrayContaining(['verify', 'store append', 'receipt']))
  for (const { parentSpanId } of parts) expect([root?.spanId, ...parts.map(({ spanId }) => spanId)]).toContain(parentSpanId)
  expect(root?.attributes).toContainEqual({ key: 'http.response.status_code', value: { intValue: 201 } })
  for (const secret of ['PAYLOAD', channel, signed.sig, signer.key]) expect(collector.text()).not.toContain(secret)
})

test('a client that traces itself has its request traced, for as many as are taken', async () => {
  const { node, end } = await startTraced(0)
  const traceId = 'ab'.repeat(16)
  const ask = async (traceparent: string): Promise<void> => {
    await (await fetch(`${node.url}/channels`, { headers: { traceparent } })).arrayBuffer()
  }
  await ask(`00-${traceId}-${'cd'.repeat(8)}-01`)
  await ask(`00-${'11'.repeat(16)}-${'cd'.repeat(8)}-00`)
  await ask(`00-${'00'.repeat(16)}-${'cd'.repeat(8)}-01`)
  await ask(`01-${'22'.repeat(16)}-${'cd'.repeat(8)}-01-more`)
  await ask('nonsense')
  for (let i = 0; i < 100; i++) await ask(`00-${'ef'.repeat(16)}-${'cd'.repeat(8)}-01`)
  const requests = (await end()).filter(({ name }) => name === 'GET /channels')
  expect(requests[0]).toMatchObject({ traceId, parentSpanId: 'cd'.repeat(8) })
  expect(new Set(requests.map((span) => span.traceId))).toEqual(new Set([traceId, 'ef'.repeat(16)]))
  expect(requests.length).toBeGreaterThanOrEqual(10)
  expect(requests.length).toBeLessThan(80)
})

test('without the setting nothing is loaded', async () => {
  expect(await openTracing(undefined, '0.0.0')).toBeUndefined()
})
