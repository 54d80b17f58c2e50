import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { endpointProofStatement, signStatement } from '@dred/protocol/statements'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { isServed, PROOF_TOPIC, sharesStore } from './already-serving.ts'
import type { RegisteredServer } from './chain/port.ts'
import type { ServerKey } from './chain/server-key.ts'
import type { Bus } from './processes/bus.ts'
import { MemoryRegistry, registeredServer } from './testing/registry-view.ts'
import { newServerKey } from './testing/server-key.ts'

let http: Server
let answer: (request: IncomingMessage, response: ServerResponse) => unknown
let key: ServerKey
let self: RegisteredServer
let registry: MemoryRegistry

beforeEach(async () => {
  http = createServer((request, response) => void answer(request, response))
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve))
  key = await newServerKey()
  const { keyX, keyY, keyId } = key
  self = registeredServer(1, { keyX, keyY, keyId, endpoint: `http://127.0.0.1:${(http.address() as AddressInfo).port}` })
  registry = new MemoryRegistry([self])
})
afterEach(() => {
  http.closeAllConnections()
  http.close()
})

/** The answer of a server, true or not. */
function proof(changes: { server?: number; endpoint?: string; nonce?: `0x${string}`; key?: ServerKey } = {}) {
  return async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const asked = new URL(request.url ?? '', self.endpoint).searchParams.get('nonce') as `0x${string}`
    const fields = { server: 1, endpoint: self.endpoint, nonce: asked, ...changes }
    const { keyX, keyY } = fields.key ?? key
    const statement = endpointProofStatement(registry, fields)
    const { server, endpoint, nonce } = fields
    response.end(JSON.stringify({ server, endpoint, nonce, keyX, keyY, ...(await signStatement(fields.key ?? key, statement)) }))
  }
}

it('is served when somebody at its endpoint proves to have its key', async () => {
  answer = proof()
  expect(await isServed({ registry, self, key })).toBe(true)
})

it('is served when somebody does who has not heard of its new endpoint', async () => {
  answer = proof({ endpoint: 'http://127.0.0.1:1' })
  expect(await isServed({ registry, self, key })).toBe(true)
})

it('is not served with its new key while somebody serves with its former one', async () => {
  answer = proof()
  expect(await isServed({ registry, self, key: await newServerKey() })).toBe(false)
})

describe('is not served when what answers', () => {
  it.each<[string, () => Promise<typeof answer> | typeof answer]>([
    ['is another server', () => proof({ server: 2 })],
    ['repeats what was said before', () => proof({ nonce: `0x${'ab'.repeat(32)}` })],
    ['has another key', async () => proof({ key: await newServerKey() })],
    ['is no JSON', () => (_, response) => response.end('<html>')],
    ['is something else', () => (_, response) => response.end('{}')],
    ['is endless', () => (_, response) => response.end('x'.repeat(100_000))],
    ['breaks off', () => (request) => request.socket.destroy()],
    ['is an error', () => (_, response) => response.writeHead(503).end('{"code":"not_serving"}')],
  ])('%s', async (_, make) => {
    answer = await make()
    expect(await isServed({ registry, self, key })).toBe(false)
  })

  it('is nobody', async () => {
    http.close()
    expect(await isServed({ registry, self: { ...self, endpoint: 'http://127.0.0.1:1' }, key })).toBe(false)
  })
})

describe('who serves', () => {
  /** A bus on which somebody else may say something. */
  function bus(): Bus & { say(text: string): void } {
    const listeners = new Set<(text: string) => void>()
    return {
      publish: () => undefined,
      subscribe: (topic, listener) => {
        expect(topic).toBe(PROOF_TOPIC)
        listeners.add(listener)
        return () => listeners.delete(listener)
      },
      say: (text) => {
        for (const listener of listeners) listener(text)
      },
    }
  }
  const nonceOf = ({ url }: IncomingMessage): string => new URL(url ?? '', self.endpoint).searchParams.get('nonce') ?? ''

  it.each([0, 300])('has this store when it says there what it was asked, %i ms after its answer', async (waitMs) => {
    const shared = bus()
    answer = async (request, response) => {
      if (waitMs === 0) shared.say(nonceOf(request))
      else setTimeout(() => shared.say(nonceOf(request)), waitMs)
      await proof()(request, response)
    }
    expect(await sharesStore({ registry, self, key }, shared)).toBe(true)
  })

  it('has another store when it does not, whatever others say', async () => {
    const shared = bus()
    answer = async (request, response) => {
      shared.say(`0x${'00'.repeat(32)}`)
      await proof()(request, response)
    }
    expect(await sharesStore({ registry, self, key }, shared)).toBe(false)
  })

  it('is somebody else when it has another key, whatever is said', async () => {
    const shared = bus()
    answer = async (request, response) => {
      shared.say(nonceOf(request))
      await proof({ key: await newServerKey() })(request, response)
    }
    expect(await sharesStore({ registry, self, key }, shared)).toBe(false)
  })
})
