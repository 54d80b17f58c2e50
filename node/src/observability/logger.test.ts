import { DredError, encodeBase64url, generateDeviceKey, signMessage, webCryptoSigner } from '@dred/protocol'
import type { Logger } from 'pino'
import { afterAll, describe, expect, test } from 'vitest'
import { openRegistryView } from '../chain/registry-view.ts'
import { openRedisStore } from '../store/redis.ts'
import { startRedis } from '../store/testing/redis-server.ts'
import { Nodes } from '../testing/nodes.ts'
import { createChannel, publish } from '../testing/test-node.ts'
import { createLogger } from './logger.ts'

const API_KEY = '0f8c2e1bd35a4c7e9a'
const PASSWORD = 'p4ss/wörd "quoted"'
const RPC_URL = `http://127.0.0.1:1/v3/${API_KEY}?auth=${API_KEY}-2`
const REDIS_URL = `redis://operator:${encodeURIComponent(PASSWORD)}@127.0.0.1:6379`
const NOWHERE = `0x${'11'.repeat(20)}` as const

function capture(): { logger: Logger; text: () => string } {
  const lines: string[] = []
  const chain = { rpcUrl: RPC_URL, chainId: 1, serverRegistry: NOWHERE, neighborhoodRegistry: NOWHERE, startBlock: 0 }
  const config = { logLevel: 'trace', chain, store: { kind: 'redis', url: REDIS_URL }, serverKeyPassphrase: 'open sesame' } as const
  return { logger: createLogger(config, { write: (line) => lines.push(line) }), text: () => lines.join('') }
}

describe('a line of the log', () => {
  const token = 'eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJhYmMifQ.c2lnbmF0dXJl'
  test.each([
    ['the address of a provider', RPC_URL, API_KEY],
    ['its key alone', `Status 403 for ${API_KEY}`, API_KEY],
    ['a part of its query', `auth ${API_KEY}-2 refused`, API_KEY],
    ['the password of Redis', `WRONGPASS ${PASSWORD}`, 'wörd'],
    ['the address of Redis', `connecting to ${REDIS_URL}`, encodeURIComponent(PASSWORD)],
    ['another address with a user', 'GET https://somebody:else1234@example.org/', 'else1234'],
    ['the passphrase of the key', 'tried open sesame', 'open sesame'],
    ['a token', `expected ${token}`, token.slice(0, 20)],
    ['a header', 'authorization: Bearer abc.def', 'abc.def'],
    ['a private key', '-----BEGIN PRIVATE KEY-----\nMIGHAgEA\n-----END PRIVATE KEY-----', 'MIGHAgEA'],
  ])('does not show %s', (_, shown, secret) => {
    const { logger, text } = capture()
    logger.info({ shown, err: new Error(shown, { cause: new Error(shown) }) }, shown)
    expect(text()).toContain('hidden')
    expect(text()).not.toContain(secret)
  })

  test('tells of an error what it says and not what hangs on it', () => {
    const { logger, text } = capture()
    const cause = Object.assign(new Error('ERR wrong'), { command: { name: 'evalsha', args: ['the payload'] } })
    logger.error({ err: new DredError('store_unavailable', { cause }) }, 'request failed')
    expect(JSON.parse(text())).toMatchObject({ err: { code: 'store_unavailable', cause: { message: 'ERR wrong' } } })
    expect(text()).not.toContain('payload')
  })

  test('is as it was when there is nothing to hide', () => {
    const { logger, text } = capture()
    logger.info({ url: 'http://127.0.0.1:8080', peer: 2 }, 'serving')
    expect(JSON.parse(text())).toMatchObject({ url: 'http://127.0.0.1:8080', peer: 2, msg: 'serving' })
  })
})

test('a busy session leaves no payload, signature, token or key in the log, whatever goes wrong', { timeout: 40_000 }, async () => {
  const { logger, text } = capture()
  const nodes = await Nodes.start(2, { logger })
  const pair = await generateDeviceKey({ extractable: true })
  const [signer, owner] = [await webCryptoSigner(pair), await webCryptoSigner(await generateDeviceKey({ extractable: false }))]
  const payload = 'PAYLOAD-that-nobody-may-read'
  const token = await nodes.token(1, signer)
  const secrets = [payload, token, encodeBase64url(new Uint8Array(await crypto.subtle.exportKey('pkcs8', pair.privateKey)))]

  const channel = await createChannel(nodes.url(1), owner, { access: 'members' })
  await nodes.control(1, channel, { by: owner, name: 'invite', body: { key: signer.key, role: 'member' } })
  const open = await createChannel(nodes.url(1), signer)
  const stream = await fetch(`${nodes.url(2)}/channel/${open}/stream?after=${token}`)
  await stream.body?.cancel()
  for (const id of [channel, open]) {
    const { signed, status } = await publish(nodes.url(1), id, { signer, message: { payload } })
    expect([201, 401, 403]).toContain(status)
    secrets.push(signed.sig)
  }
  const { signed } = await signMessage(owner, open, { message: payload, sentAt: Date.now() })
  secrets.push(signed.sig)
  const post = (path: string, body: string, headers: Record<string, string> = {}) =>
    fetch(nodes.url(1) + path, { method: 'POST', headers: { 'content-type': 'application/json', ...headers }, body })
  await post(`/channel/${open}`, JSON.stringify({ ...signed, message: `${payload}-forged` }))
  await post(`/channel/${open}/messages`, JSON.stringify({ messages: [signed, { ...signed, sig: 'x' }, payload] }))
  await post(`/channel/${open}`, `{"message":"${payload}`)
  await post('/session', '{}', { authorization: `Bearer ${token}x`, 'x-request-id': payload })
  await nodes.call(1, `/channel/${channel}/members?token=${payload}`, { token })
  await nodes.call(1, `/${payload}`, { token })
  await expect.poll(async () => (await nodes.store(2).channel(open))?.messages).toBe(2)

  // The store fails under them.
  await nodes.store(1).close()
  await publish(nodes.url(1), open, { signer, message: { payload } })
  await nodes.call(1, `/channel/${open}/messages`, { token })
  await nodes.close()
  expect(text().split('\n').length).toBeGreaterThan(20)
  expect(text()).toContain('"route":"/channel/:id/messages"')
  expect(text()).toContain('linked to a peer')
  for (const secret of secrets) expect(text()).not.toContain(secret)
})

test('neither a chain nor a Redis that refuses brings its credentials into the log', async () => {
  const { logger, text } = capture()
  const location = { rpcUrl: RPC_URL, chainId: 1, serverRegistry: NOWHERE, neighborhoodRegistry: NOWHERE, startBlock: 0 }
  const chain = await openRegistryView({ ...location, neighborhood: '1', log: logger }).catch((error: unknown) => error)
  const redis = await startRedis()
  afterAll(() => redis.stop())
  const url = `redis://operator:${encodeURIComponent(PASSWORD)}@127.0.0.1:${redis.port}`
  const store = await openRedisStore({ url, prefix: 'x:', log: logger }).catch((error: unknown) => error)
  for (const error of [chain, store]) {
    expect(error).toBeInstanceOf(Error)
    logger.error({ err: error, error: String(error) }, 'it failed')
    // The message is what the operator sees when the server does not start.
    expect(String(error)).not.toContain(API_KEY)
    expect(String(error)).not.toContain('wörd')
  }
  expect(text()).toContain('cannot be read')
  for (const secret of [API_KEY, PASSWORD, 'wörd', encodeURIComponent(PASSWORD)]) expect(text()).not.toContain(secret)
})
