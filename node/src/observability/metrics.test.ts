import { spawnSync } from 'node:child_process'
import { connect } from 'node:http2'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { noLimits } from '../limits/config.ts'
import { makeCertificate, TestCertificates } from '../testing/certificates.ts'
import { createChannel, publish, startTestNode, type TestNode, testSigner } from '../testing/test-node.ts'
import { catalogue } from './catalogue.ts'

let node: TestNode

beforeAll(async () => {
  node = await startTestNode({ limits: { ...noLimits, device: { burst: 2.5, perSecond: 0.001 } } })
})

afterAll(() => node.close())

async function scrape(): Promise<string> {
  return (await fetch(`${node.adminUrl}/metrics`)).text()
}

/** The value of a sample, whatever the order of its labels. */
async function value(sample: string): Promise<number> {
  const line = (await scrape()).split('\n').find((text) => text.startsWith(`${sample} `))
  return Number(line?.slice(sample.length + 1))
}

async function definitions() {
  return (await catalogue()).flatMap((section) => section.definitions)
}

test('what a server tells and what the catalogue says are the same metrics', async () => {
  const told = new Map(Array.from((await scrape()).matchAll(/^# TYPE (\S+) (\S+)$/gm), ([, name, type]) => [name, type]))
  const said = new Map((await definitions()).map(({ name, type }) => [name, type]))
  expect(Object.fromEntries(told)).toEqual(Object.fromEntries(said))
})

test('every metric of the server has its unit at its end, a help, and words for its labels', async () => {
  for (const { name, type, help, labels = {} } of await definitions()) {
    expect(name, name).toMatch(/^(dred|process|nodejs)_[a-z0-9_]+$/)
    expect(help.length, name).toBeGreaterThan(5)
    for (const [label, values] of Object.entries(labels)) expect(values, `${name} ${label}`).not.toBe('')
    expect(name.endsWith('_total') || !name.startsWith('dred_'), name).toBe(type === 'counter' || !name.startsWith('dred_'))
    expect(name.endsWith('_seconds') || type !== 'histogram', name).toBe(true)
  }
})

test('labels of samples are those of the catalogue', async () => {
  const labels = new Map((await definitions()).map(({ name, labels = {} }) => [name, Object.keys(labels)]))
  for (const line of (await scrape()).split('\n').filter((text) => text.startsWith('dred_'))) {
    const [, sample = '', given = ''] = /^([a-z_]+)(?:\{(.*)\})? /.exec(line) ?? []
    const name = labels.has(sample) ? sample : sample.replace(/_(bucket|sum|count)$/, '')
    const names = Array.from(given.matchAll(/(\w+)="/g), ([, label]) => label).filter((label) => label !== 'le')
    expect(new Set(names), line).toEqual(new Set(labels.get(name)))
  }
})

test('the page of metrics is up to date', () => {
  const script = fileURLToPath(new URL('../../../scripts/metrics-doc.mjs', import.meta.url))
  const { status, stderr } = spawnSync(process.execPath, [script, '--check'], { encoding: 'utf8' })
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
})

test('requests, messages, refusals and the store are counted', async () => {
  const signer = await testSigner()
  const channel = await createChannel(node.url, signer)
  const before = await value('dred_connections_refused_total')
  const stream = await fetch(`${node.url}/channel/${channel}/stream`)
  for (const text of ['one', 'two']) expect((await publish(node.url, channel, { signer, message: text })).status).toBe(201)
  expect((await publish(node.url, channel, { signer, message: 'three' })).status).toBe(429)
  expect((await fetch(`${node.url}/nowhere/${channel}`, { method: 'DELETE' })).status).toBe(404)

  const reader = stream.body?.getReader()
  let text = ''
  while (!text.includes('two')) text += new TextDecoder().decode((await reader?.read())?.value)
  await expect.poll(() => value('dred_http_requests_total{method="POST",route="/channel/:id",status="201"}')).toBe(2)
  expect(await value('dred_http_requests_total{method="POST",route="/channel/:id",status="429"}')).toBe(1)
  expect(await value('dred_http_requests_total{method="DELETE",route="none",status="404"}')).toBe(1)
  expect(await value('dred_http_request_seconds_count{method="POST",route="/channel/:id"}')).toBe(3)
  expect(await value('dred_problems_total{code="rate_limited"}')).toBe(1)
  expect(await value('dred_limited_total{limit="device"}')).toBe(1)
  expect(await value('dred_limit_keys{limit="device"}')).toBe(1)
  expect(await value('dred_messages_accepted_total')).toBe(2)
  expect(await value('dred_publish_seconds_count')).toBe(2)
  expect(await value('dred_messages_delivered_total')).toBe(2)
  expect(await value('dred_fan_out_messages_total')).toBe(2)
  expect(await value('dred_fan_out_seconds_count')).toBeGreaterThan(0)
  expect(await value('dred_store_operation_seconds_count{operation="append"}')).toBe(3)
  expect(await value('dred_store_bytes')).toBeGreaterThan(4_096)
  expect(await value('dred_streams_open')).toBe(1)
  expect(await value('dred_check_ok{check="store"}')).toBe(1)
  expect(await value('dred_received_bytes_total')).toBeGreaterThan(2_000)
  expect(await value('dred_sent_bytes_total')).toBeGreaterThan(2_000)
  expect(before).toBe(0)
  await reader?.cancel()
  await expect.poll(() => value('dred_http_requests_total{method="GET",route="/channel/:id/stream",status="200"}')).toBe(1)
  expect(await value('dred_http_request_seconds_count{method="GET",route="/channel/:id/stream"}')).toBeNaN()
})

test('bytes on TLS connections and requests over HTTP/2 are counted, and the end of the certificate is told', async () => {
  const tls = new TestCertificates(await makeCertificate())
  const secure = await startTestNode({ tls })
  const read = async (): Promise<string> => (await fetch(`${secure.adminUrl}/metrics`)).text()
  const client = connect(secure.url, { rejectUnauthorized: false })
  const request = client.request({ ':path': '/channels' })
  for await (const _ of request) continue
  for await (const _ of client.request({ ':method': 'BREW', ':path': '/channels' })) continue
  await expect.poll(read).toContain('dred_http_requests_total{method="other",route="none",status="405"} 1')
  await expect.poll(read).toContain('dred_http_requests_total{method="GET",route="/channels",status="200"} 1')
  const text = await read()
  expect(text).toContain(`dred_tls_certificate_not_after_seconds ${tls.current.notAfter / 1_000}`)
  expect(text).toContain('dred_check_ok{check="tls"} 1')
  // The handshake alone, with the certificate.
  expect(Number(/^dred_sent_bytes_total (\d+)$/m.exec(text)?.[1])).toBeGreaterThan(600)
  expect(Number(/^dred_received_bytes_total (\d+)$/m.exec(text)?.[1])).toBeGreaterThan(200)
  client.close()
  await secure.close()
})

test('what goes wrong is told: streams that are ended, a store that fails', async () => {
  const failing = await startTestNode()
  const read = async (sample: string): Promise<number> => {
    const text = await (await fetch(`${failing.adminUrl}/metrics`)).text()
    return Number(
      text
        .split('\n')
        .find((line) => line.startsWith(`${sample} `))
        ?.slice(sample.length + 1),
    )
  }
  const signer = await testSigner()
  const channel = await createChannel(failing.url, signer)
  const stream = await fetch(`${failing.url}/channel/${channel}/stream`)
  failing.registry.set([])
  await stream.text()
  expect(await read('dred_streams_closed_total{reason="not_serving"}')).toBe(1)
  expect(await read('dred_serving')).toBe(0)
  failing.registry.set([failing.self])
  await failing.store.close()
  expect((await publish(failing.url, channel, { signer, message: 1 })).status).toBe(503)
  expect(await read('dred_store_errors_total{operation="append",code="store_unavailable"}')).toBe(1)
  expect(await read('dred_problems_total{code="store_unavailable"}')).toBe(1)
  expect(await read('dred_check_ok{check="store"}')).toBe(0)
  expect(await read('dred_store_bytes')).toBeNaN()
  expect(await read('dred_messages_accepted_total')).toBe(0)
  await failing.close()
})

test('names of routes and methods are few, whatever clients ask for', async () => {
  for (let i = 0; i < 50; i++) await (await fetch(`${node.url}/x${i}?y=${i}`)).arrayBuffer()
  const routes = new Set(Array.from((await scrape()).matchAll(/route="([^"]*)"/g), ([, route]) => route))
  for (const route of routes) expect(route).not.toMatch(/x\d/)
})
