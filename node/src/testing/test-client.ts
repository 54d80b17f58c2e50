import { errors, type Signer, signGenesis, signMessage, type VerifiedGenesis } from '@dred/protocol'
import { expect } from 'vitest'
import type { TestNode } from './test-node.ts'

export interface Call {
  method?: string
  path: string
  body?: string
  headers?: Record<string, string>
}

type Json = Record<string, unknown>

/** Calls one server as one sender. */
export class TestClient {
  readonly node: TestNode
  readonly signer: Signer

  constructor(node: TestNode, signer: Signer) {
    this.node = node
    this.signer = signer
  }

  async call({ method = 'GET', path, body, headers = {} }: Call): Promise<{ response: Response; json: Json }> {
    const response = await fetch(this.node.url + path, {
      method,
      headers: body === undefined ? headers : { 'content-type': 'application/json', ...headers },
      ...(body === undefined ? {} : { body }),
    })
    const text = await response.text()
    return { response, json: (text === '' ? {} : JSON.parse(text)) as Json }
  }

  async status(call: Call): Promise<number> {
    return (await this.call(call)).response.status
  }

  async signed(channel: string, fields: { message?: unknown; sentAt?: number } = {}): Promise<Json> {
    return (await signMessage(this.signer, channel, { message: 'hello', sentAt: Date.now(), ...fields })).signed
  }

  async genesis(fields: Partial<Parameters<typeof signGenesis>[1]> = {}): Promise<VerifiedGenesis> {
    const salt = crypto.getRandomValues(new Uint8Array(16))
    return signGenesis(this.signer, { neighborhood: '1', createdAt: Date.now(), salt, ...fields })
  }
}

export const post = (channel: string, body: object): Call => ({ method: 'POST', path: `/channel/${channel}`, body: JSON.stringify(body) })
export const put = (channel: string, body: object): Call => ({ method: 'PUT', path: `/channel/${channel}`, body: JSON.stringify(body) })

/** The answer of a call that failed in this way, to compare with. */
export const problem = (status: number, code: string) => ({ status, json: expect.objectContaining({ status, code }) as unknown })

/** Makes a call that has to fail in this way. @returns the problem document */
export async function expectProblem(client: TestClient, call: Call, code: keyof typeof errors): Promise<Json> {
  const { response, json } = await client.call(call)
  const { status, title, retryable } = errors[code]
  const requestId = response.headers.get('x-request-id')
  expect(json).toMatchObject({ code, status, title, retryable, type: `/problems/${code}`, requestId })
  expect(response.status).toBe(status)
  expect(response.headers.get('content-type')).toBe('application/problem+json; charset=utf-8')
  expect(response.headers.get('access-control-allow-origin')).toBe('*')
  return json
}
