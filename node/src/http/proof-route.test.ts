import { connect } from 'node:http2'
import { EndpointProof, describeMismatch } from '@dred/protocol'
import { endpointProofStatement, verifyStatement } from '@dred/protocol/statements'
import { afterEach, describe, expect, test } from 'vitest'
import { newServerKey } from '../testing/server-key.ts'
import { startTestNode, type TestNode } from '../testing/test-node.ts'

const NONCE = `0x${'5a'.repeat(32)}` as const

const nodes: TestNode[] = []
afterEach(async () => {
  await Promise.all(nodes.splice(0).map((node) => node.close()))
})

async function start(...options: Parameters<typeof startTestNode>): Promise<TestNode> {
  const node = await startTestNode(...options)
  nodes.push(node)
  return node
}

const ask = ({ url }: { url: string }, query = `?nonce=${NONCE}`) => fetch(`${url}/.well-known/dred/proof${query}`)

async function proofOf(response: Response): Promise<EndpointProof> {
  expect(response.status).toBe(200)
  const proof: unknown = await response.json()
  expect(describeMismatch(EndpointProof, proof)).toBeUndefined()
  return proof as EndpointProof
}

/** Whether the proof is this server's, of this endpoint and of our nonce. */
async function verifies(node: TestNode, proof: EndpointProof, endpoint: string): Promise<boolean> {
  const { chainId, serverRegistry } = node.registry
  const { keyX, keyY } = node.self
  const { r, s } = proof as { r: `0x${string}`; s: `0x${string}` }
  const statement = endpointProofStatement({ chainId, serverRegistry }, { server: 1, endpoint, nonce: NONCE })
  return verifyStatement({ keyX, keyY }, statement, { r, s })
}

describe('the proof of an endpoint', () => {
  test('is signed by the server key, of the endpoint in the registry and the nonce of who asks', async () => {
    const node = await start()
    const response = await ask(node)
    expect(response.headers.get('cache-control')).toBe('no-store')
    const proof = await proofOf(response)
    const { endpoint, keyX, keyY } = node.self
    expect(proof).toMatchObject({ server: 1, endpoint, keyX, keyY, nonce: NONCE })
    expect(await verifies(node, proof, endpoint)).toBe(true)
    expect(await verifies(node, proof, 'http://127.0.0.1:1')).toBe(false)
  })

  test('is given before the first attestation, which asks for it', async () => {
    const node = await start()
    node.registry.set([{ ...node.self, status: 'pending', validUntil: 0 }])
    expect(await proofOf(await ask(node))).toMatchObject({ server: 1 })
  })

  test('is of the proposed endpoint when it is asked there', async () => {
    const node = await start()
    node.registry.set([{ ...node.self, proposedEndpoint: node.url }])
    const proof = await proofOf(await ask(node))
    expect(proof.endpoint).toBe(node.url)
    expect(await verifies(node, proof, node.url)).toBe(true)
    // By another name it is the present one's.
    const elsewhere = await proofOf(await ask({ url: node.url.replace('127.0.0.1', 'localhost') }))
    expect(elsewhere.endpoint).toBe(node.self.endpoint)
  })

  test('is of the proposed endpoint over HTTP/2 too', async () => {
    const node = await start()
    node.registry.set([{ ...node.self, proposedEndpoint: node.url }])
    const session = connect(node.url)
    const stream = session.request({ ':path': `/.well-known/dred/proof?nonce=${NONCE}` })
    const text = (await stream.setEncoding('utf8').toArray()).join('')
    session.close()
    expect(JSON.parse(text)).toMatchObject({ endpoint: node.url })
  })

  test.each(['', '?nonce=', '?nonce=0x12', `?nonce=${NONCE}00`, `?nonce=${NONCE.slice(2)}`, `?nonce=${NONCE}&nonce=${NONCE}`])(
    'is refused when it is asked for with %s',
    async (query) => {
      const response = await ask(await start(), query)
      expect(response.status).toBe(400)
      expect(response.headers.get('content-type')).toContain('application/problem+json')
      expect(await response.json()).toMatchObject({ code: 'malformed_request' })
    },
  )

  test('is not given by a server that has left', async () => {
    const node = await start()
    node.registry.set([{ ...node.self, status: 'exiting' }])
    const response = await ask(node)
    expect(response.status).toBe(503)
    expect(await response.json()).toMatchObject({ code: 'not_serving', detail: expect.stringContaining('exit') })
  })

  test('is made for so many at once, and the others are told to come back', async () => {
    const key = await newServerKey()
    const [reached, gate] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
    const slow = {
      ...key,
      sign: async (bytes: Uint8Array) => {
        reached.resolve()
        await gate.promise
        return key.sign(bytes)
      },
    }
    const node = await start({ http: { proofs: 1 } }, { key: slow })
    const first = ask(node)
    await reached.promise
    const second = await ask(node)
    expect(second.status).toBe(429)
    expect(second.headers.get('retry-after')).not.toBeNull()
    expect(await second.json()).toMatchObject({ code: 'rate_limited', retryable: true })
    gate.resolve()
    await proofOf(await first)
    await proofOf(await ask(node))
  })
})
