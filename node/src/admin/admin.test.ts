import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DredError, type ErrorCode, type Signer } from '@dred/protocol'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { StreamReader } from '../testing/stream-client.ts'
import { createChannel, publish, startTestNode, type TestNode, testSigner } from '../testing/test-node.ts'
import { readBlockable } from './block-request.ts'
import { hostName } from './guard.ts'
import { isBearer, loadAdminToken } from './token.ts'

let folder: string
let signer: Signer
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'dred-admin-'))
  signer = await testSigner()
})
afterAll(() => rmSync(folder, { recursive: true }))

interface Answer {
  status: number
  body: Record<string, unknown>
}

describe('commands', () => {
  let node: TestNode
  let token: string

  beforeEach(async () => {
    const tokenFile = join(folder, 'token')
    node = await startTestNode({ admin: { host: '127.0.0.1', port: 0, tokenFile } })
    token = readFileSync(tokenFile, 'utf8').trim()
  })
  afterEach(() => node.close())

  /** Over node:http: fetch does not let a Host be chosen. */
  function call(line: string, { body, headers = {} }: { body?: unknown; headers?: Record<string, string> } = {}): Promise<Answer> {
    const [method, path] = line.split(' ')
    return new Promise((resolve, reject) => {
      const sent = request(node.adminUrl + path, { method, headers: { authorization: `Bearer ${token}`, ...headers } }, (response) => {
        let text = ''
        response.setEncoding('utf8').on('data', (chunk) => (text += String(chunk)))
        response.on('end', () => resolve({ status: response.statusCode ?? 0, body: JSON.parse(text) as Answer['body'] }))
      })
      sent.on('error', reject).end(body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body))
    })
  }

  async function refused(code: ErrorCode, ...args: Parameters<typeof call>): Promise<void> {
    expect((await call(...args)).body).toMatchObject({ code })
  }

  test('tell how the process stands', async () => {
    const channel = await createChannel(node.url, signer)
    const stream = await fetch(`${node.url}/channel/${channel}/stream`)
    expect(await call('GET /admin/status')).toMatchObject({
      status: 200,
      body: {
        draining: false,
        leads: true,
        streams: 1,
        links: [],
        standing: { state: 'active', serves: true },
        checks: { store: { ok: true } },
      },
    })
    expect((await call('GET /admin/streams')).body).toMatchObject({ streams: 1, subscriptions: 1 })
    expect((await call('GET /admin/limits')).body).toMatchObject({ limits: { device: false }, blocks: [] })
    await stream.body?.cancel()
  })

  test('take the token and nothing else', async () => {
    for (const authorization of ['', 'Bearer', `Bearer ${token}x`, `Basic ${token}`, `Bearer ${token.slice(1)}`]) {
      await refused('unauthorized', 'GET /admin/status', { headers: { authorization } })
      await refused('unauthorized', 'POST /admin/drain', { headers: { authorization } })
    }
    expect((await fetch(`${node.adminUrl}/livez`)).status).toBe(200)
    expect((await fetch(`${node.adminUrl}/readyz`)).status).toBe(200)
    expect((await fetch(`${node.adminUrl}/metrics`)).status).toBe(200)
  })

  test('are not for web pages', async () => {
    for (const headers of [
      { host: 'evil.example' },
      { host: '127.0.0.1.evil.example:80' },
      { origin: 'http://127.0.0.1' },
      { 'sec-fetch-site': 'same-site' },
      { 'sec-fetch-site': 'cross-site' },
    ] as Record<string, string>[]) {
      await refused('malformed_request', 'GET /admin/status', { headers })
    }
    for (const host of ['localhost', 'localhost:1', '[::1]:1', '127.0.0.2']) {
      expect((await call('GET /admin/status', { headers: { host } })).status).toBe(200)
    }
  })

  test('exist, and take one method', async () => {
    expect((await call('GET /admin/nothing')).body).toMatchObject({ code: 'not_found' })
    await refused('method_not_allowed', 'GET /admin/drain')
    await refused('malformed_json', 'POST /admin/log-level', { body: '{' })
    await refused('malformed_json', 'POST /admin/log-level', { body: [] })
    await refused('body_too_large', 'POST /admin/log-level', { body: 'x'.repeat(5_000) })
  })

  test('backup: a file that is named, of a store that is one', async () => {
    for (const name of ['../a.db', '.a', '', 5, 'a/b', 'a'.repeat(200)])
      await refused('malformed_request', 'POST /admin/backup', { body: { name } })
    expect((await call('POST /admin/backup', { body: { name: 'a.db' } })).body).toMatchObject({ code: 'store_unavailable' })
  })

  test('drain: the server sends everybody elsewhere and goes on living', async () => {
    const channel = await createChannel(node.url, signer)
    const stream = await fetch(`${node.url}/channel/${channel}/stream`)
    expect((await call('POST /admin/drain')).body).toEqual({ draining: true })
    expect(await stream.text()).toContain('"reason":"shutting_down"')
    expect((await publish(node.url, channel, { signer, message: 1 })).body).toMatchObject({ code: 'shutting_down' })
    const probe = async (path: string, method: string): Promise<number> => (await fetch(node.adminUrl + path, { method })).status
    expect([await probe('/readyz', 'GET'), await probe('/readyz', 'HEAD')]).toEqual([503, 503])
    expect([await probe('/livez', 'GET'), await probe('/livez', 'HEAD')]).toEqual([200, 200])
    expect((await call('GET /admin/status')).body).toMatchObject({ draining: true })
  })

  test('log level', async () => {
    expect((await call('POST /admin/log-level', { body: { level: 'fatal' } })).body).toEqual({ level: 'fatal' })
    expect((await call('GET /admin/status')).body).toMatchObject({ logLevel: 'fatal' })
    await refused('malformed_request', 'POST /admin/log-level', { body: { level: 'loud' } })
  })

  test('block a device until it is lifted or its time is over', async () => {
    const channel = await createChannel(node.url, signer)
    const block = await call('POST /admin/limits/block', { body: { device: signer.key, seconds: 600 } })
    expect(block.body).toMatchObject({ kind: 'device', key: signer.key })
    const refusal = await publish(node.url, channel, { signer, message: 1 })
    expect(refusal).toMatchObject({
      status: 429,
      body: { code: 'rate_limited', detail: 'The operator of this server has blocked this device' },
    })
    expect((await publish(node.url, channel, { signer: await testSigner(), message: 1 })).status).toBe(201)
    expect((await call(`DELETE /admin/limits/block?device=${signer.key}`)).status).toBe(200)
    expect((await publish(node.url, channel, { signer, message: 1 })).status).toBe(201)
    await call('POST /admin/limits/block', { body: { device: signer.key, seconds: 600 } })
    node.advance(600_000)
    expect((await publish(node.url, channel, { signer, message: 2, sentAt: Date.now() + 600_000 })).status).toBe(201)
  })

  test('block a channel, with its streams', async () => {
    const channel = await createChannel(node.url, signer)
    const stream = await fetch(`${node.url}/channel/${channel}/stream`)
    await call('POST /admin/limits/block', { body: { channel, seconds: 60 } })
    expect(await stream.text()).toContain('"type":"close"')
    const answer = await fetch(`${node.url}/channel/${channel}/messages`)
    expect(answer.status).toBe(429)
    expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(55)
    expect((await fetch(`${node.url}/channels`)).status).toBe(200)
  })

  test('block a channel on a stream of many too, of which the others go on', async () => {
    const [blocked, other] = [await createChannel(node.url, signer), await createChannel(node.url, signer)]
    await call('POST /admin/limits/block', { body: { channel: blocked, seconds: 60 } })
    const stream = await StreamReader.post(`${node.url}/channels/stream`, { channels: { [blocked]: null, [other]: null } })
    await stream.until(({ events }) => events.length >= 3)
    expect(stream.events.map((event) => ('channel' in event ? [event.type, event.channel] : event.type))).toEqual(
      expect.arrayContaining([
        ['error', blocked],
        ['open', other],
      ]),
    )
    expect(stream.events).not.toContainEqual(expect.objectContaining({ type: 'open', channel: blocked }))
    stream.stop()
  })

  test('block an address, with its connections', async () => {
    const channel = await createChannel(node.url, signer)
    const stream = await fetch(`${node.url}/channel/${channel}/stream`)
    await call('POST /admin/limits/block', { body: { address: '127.0.0.1', seconds: 60 } })
    await expect(stream.text()).rejects.toThrow('terminated')
    expect((await fetch(`${node.url}/channels`)).status).toBe(429)
  })

  test('block nobody that is not named well', async () => {
    for (const body of [
      {},
      { seconds: 1 },
      { device: signer.key, channel: signer.key, seconds: 1 },
      { device: 'x', seconds: 1 },
      { wallet: '0x12', seconds: 1 },
      { address: 'localhost', seconds: 1 },
      { address: 5, seconds: 1 },
      { address: '192.0.2.1' },
      { address: '192.0.2.1', seconds: 0 },
      { address: '192.0.2.1', seconds: 1.5 },
      { address: '192.0.2.1', seconds: 1e12 },
    ]) {
      await refused('malformed_request', 'POST /admin/limits/block', { body })
    }
    const wallet = `0x${'AB'.repeat(20)}`
    expect((await call('POST /admin/limits/block', { body: { wallet, seconds: 1 } })).body).toMatchObject({ key: wallet.toLowerCase() })
    expect((await call('POST /admin/limits/block', { body: { address: '2001:db8::5', seconds: 1 } })).body).toMatchObject({
      key: '2001:db8:0:0::/64',
    })
  })
})

test('without a token file there are no commands', async () => {
  const node = await startTestNode()
  expect((await fetch(`${node.adminUrl}/admin/status`)).status).toBe(404)
  expect((await fetch(`${node.adminUrl}/admin/drain`, { method: 'POST' })).status).toBe(405)
  await node.close()
})

describe('the token file', () => {
  test('is made, for its owner alone, and stays', async () => {
    const file = join(folder, 'new')
    const tokens = await Promise.all(Array.from({ length: 8 }, () => loadAdminToken(file)))
    expect(new Set(tokens).size).toBe(1)
    expect(tokens[0]).toMatch(/^[A-Za-z0-9_-]{43}$/)
    expect(statSync(file).mode & 0o777).toBe(0o600)
    expect(await loadAdminToken(file)).toBe(tokens[0])
  })

  test('is refused when others may read it, or it holds next to nothing', async () => {
    const file = join(folder, 'open')
    writeFileSync(file, 'a'.repeat(40), { mode: 0o600 })
    chmodSync(file, 0o640)
    await expect(loadAdminToken(file)).rejects.toMatchObject({ code: 'config' })
    const short = join(folder, 'short')
    writeFileSync(short, 'secret\n', { mode: 0o600 })
    await expect(loadAdminToken(short)).rejects.toMatchObject({ code: 'config' })
    await expect(loadAdminToken(join(folder, 'no/such/folder'))).rejects.toMatchObject({ code: 'config' })
    expect(existsSync(join(folder, 'no'))).toBe(false)
  })
})

test('hosts and bearers are read strictly, whatever comes', () => {
  const parts = ['[', ']', ':', '::1', '127.0.0.1', 'localhost', '8080', '.', '@', ' ', '%', '\u0000', 'Bearer ', 'é', ',']
  const token = 'localhost127.0.0.1'
  for (let i = 0; i < 50_000; i++) {
    const text = Array.from({ length: Math.floor(Math.random() * 6) }, () => parts[Math.floor(Math.random() * parts.length)]).join('')
    const name = hostName(text)
    expect(['', text.toLowerCase()].some((whole) => whole.includes(name))).toBe(true)
    expect(isBearer(text, token)).toBe(/^bearer localhost127\.0\.0\.1$/i.test(text))
  }
})

test('whom a command names is read strictly, whatever comes', () => {
  const key = 'A'.repeat(43)
  const values = [
    key,
    `${key}A`,
    '',
    '192.0.2.1',
    '192.0.2.1/64',
    '2001:db8::/64',
    '::1/',
    5,
    null,
    [],
    {},
    true,
    `0x${'0'.repeat(40)}`,
    '0x',
    '\u0000',
  ]
  const names = ['address', 'device', 'wallet', 'channel', 'seconds', '__proto__', 'kind']
  const pick = <T>(list: readonly T[]): T | undefined => list[Math.floor(Math.random() * list.length)]
  let read = 0
  for (let i = 0; i < 50_000; i++) {
    const fields = Object.fromEntries(Array.from({ length: Math.floor(Math.random() * 3) }, () => [pick(names), pick(values)]))
    const outcome = outcomeOf(() => readBlockable(fields).key)
    expect(outcome).toMatch(/^([0-9a-z.:/]+|A{43}|malformed_request)$/)
    if (outcome !== 'malformed_request') read++
  }
  expect(read).toBeGreaterThan(100)
})

/** What it returns, or the code of what it throws. */
function outcomeOf(work: () => string): string {
  try {
    return work()
  } catch (error) {
    return error instanceof DredError ? error.code : String(error)
  }
}
