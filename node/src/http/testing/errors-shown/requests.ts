import { request as httpRequest } from 'node:http'
import { connect } from 'node:http2'
import {
  type ControlName,
  controlNames,
  type Delegation,
  delegationText,
  encodeBase64url,
  paths,
  revocationBytes,
  type RouteName,
  routes,
  sessionBytes,
  type Signer,
  signGenesis,
  signMessage,
  signPresence,
  type VerifiedGenesis,
} from '@dred/protocol'
import type { TestNode } from '../../../testing/test-node.ts'
import type { Place } from './servers.ts'

export interface Asked {
  method?: string
  path: string
  headers?: Record<string, string>
  body?: unknown
  /** Text instead of a body in JSON. */
  text?: string
  /** Bytes that are announced, of which only the text comes. */
  announced?: number
}

export interface Told {
  status: number
  json: Record<string, unknown>
}

export const WALLET = `0x${'11'.repeat(20)}` as const
const WALLET_SIGNATURE = `0x${'11'.repeat(65)}`

export const bearer = (token: string): Record<string, string> => ({ authorization: `Bearer ${token}` })

/** Over HTTP/1.1. @returns once the answer is there; of a success that never ends, its head */
export function ask(
  url: string,
  { method = 'GET', path, headers = {}, body, text = body === undefined ? undefined : JSON.stringify(body), announced }: Asked,
): Promise<Told> {
  return new Promise((resolve, reject) => {
    const length = announced ?? (text === undefined ? undefined : Buffer.byteLength(text))
    const entity = length === undefined ? {} : { 'content-type': 'application/json', 'content-length': length }
    const sent = httpRequest(url + path, { method, agent: false, headers: { ...entity, ...headers } }, (response) => {
      const status = response.statusCode ?? 0
      let received = ''
      const isStream = status === 200 && response.headers['content-type']?.startsWith('application/json') !== true
      if (isStream) {
        sent.destroy()
        resolve({ status, json: {} })
        return
      }
      response.setEncoding('utf8').on('data', (chunk) => (received += String(chunk)))
      response.on('end', () => {
        sent.destroy()
        resolve({ status, json: received === '' ? {} : (JSON.parse(received) as Told['json']) })
      })
    })
    sent.on('error', reject)
    if (announced === undefined) sent.end(text)
    else sent.write(text ?? '')
  })
}

/** Over HTTP/2. */
export async function ask2(url: string, { method = 'GET', path, headers = {} }: Asked): Promise<Told> {
  const session = connect(url)
  try {
    return await new Promise((resolve, reject) => {
      session.on('error', reject)
      const stream = session.request({ ':method': method, ':path': path, ...headers })
      let [status, text] = [0, '']
      stream.on('response', (head) => (status = Number(head[':status']))).on('error', reject)
      stream.setEncoding('utf8').on('data', (chunk) => (text += String(chunk)))
      stream.on('end', () => resolve({ status, json: JSON.parse(text) as Told['json'] }))
      stream.end()
    })
  } finally {
    session.destroy()
  }
}

export function newGenesis(signer: Signer, fields: Partial<Parameters<typeof signGenesis>[1]> = {}): Promise<VerifiedGenesis> {
  const salt = crypto.getRandomValues(new Uint8Array(16))
  return signGenesis(signer, { neighborhood: '1', createdAt: Date.now(), salt, ...fields })
}

export type MessageFields = Partial<Parameters<typeof signMessage>[2]>

export async function newMessage(signer: Signer, channel: string, fields: MessageFields = {}): Promise<Record<string, unknown>> {
  return (await signMessage(signer, channel, { message: 'hello', sentAt: Date.now(), nonce: crypto.randomUUID(), ...fields })).signed
}

export function isControl(route: RouteName): route is ControlName {
  return (controlNames as readonly string[]).includes(route)
}

/** Who may sign a control message of each kind, and what it says. */
export function control(name: ControlName, { owner, member, stranger }: Place): { by: Signer; message: Record<string, unknown> } {
  const controls = {
    invite: { by: owner, message: { key: stranger.key, expiresAt: Date.now() + 60_000 } },
    join: { by: stranger, message: {} },
    approve: { by: owner, message: { key: stranger.key } },
    leave: { by: member, message: {} },
    remove: { by: owner, message: { key: member.key } },
  }
  return controls[name]
}

/** A request that the route would take, but for who asks. @param channel id, of the open one if it is left out */
export async function valid(place: Place, route: RouteName, channel = place.open.id): Promise<Asked> {
  const { node, owner, open } = place
  const { method } = routes[route]
  const asked = { method, path: paths[route].replace(':id', channel) }
  if (isControl(route)) {
    const { by, message } = control(route, place)
    return { ...asked, body: await newMessage(by, channel, { control: route, message }) }
  }
  const genesis = channel === open.id ? open : await newGenesis(owner)
  const others: Partial<Record<RouteName, () => Promise<Partial<Asked>>>> = {
    publish: async () => ({ body: await newMessage(owner, channel) }),
    publishBatch: async () => ({ body: { messages: [await newMessage(owner, channel)] } }),
    createChannel: async () => ({ path: `/channel/${genesis.id}`, body: genesis.genesis }),
    openSession: async () => ({ body: { key: owner.key } }),
    revokeDelegation: async () => ({ body: await revocation(node, owner) }),
    putPresence: async () => ({ body: await signPresence(owner, channel, { sentAt: Date.now(), ttlMs: 10_000 }) }),
    streamChannels: async () => ({ body: { channels: { [channel]: null } } }),
    endpointProof: async () => ({ path: `${asked.path}?nonce=0x${'00'.repeat(32)}` }),
  }
  return { ...asked, ...(await others[route]?.()) }
}

/** The answer of a device to a challenge. */
export async function answer(node: TestNode, device: Signer): Promise<{ key: string; challenge: string; sig: string }> {
  const { json } = await ask(node.url, { method: 'POST', path: '/session', body: { key: device.key } })
  const challenge = String(json['challenge'])
  const bytes = sessionBytes(node.registry, { server: 1, key: device.key, challenge })
  return { key: device.key, challenge, sig: encodeBase64url(await device.sign(bytes)) }
}

export async function tokenOf(node: TestNode, device: Signer, delegation?: Delegation): Promise<string> {
  const { status, json } = await ask(node.url, { method: 'POST', path: '/session', body: { ...(await answer(node, device)), delegation } })
  if (status !== 201) throw new Error(JSON.stringify(json))
  return String(json['token'])
}

export function delegation({ registry }: TestNode, { key }: Signer): Delegation {
  const [issuedAt, expiresAt] = [Date.now() - 1_000, Date.now() + 86_400_000]
  const fields = { address: WALLET, domain: 'poker.example', uri: 'https://poker.example', issuedAt, expiresAt }
  return { message: delegationText(registry, key, fields), signature: WALLET_SIGNATURE }
}

/** By the device itself. */
export async function revocation({ registry }: TestNode, device: Signer, revokedAt = Date.now()): Promise<Record<string, unknown>> {
  const fields = { wallet: WALLET, device: device.key, revokedAt, by: 'device' } as const
  return { ...fields, sig: encodeBase64url(await device.sign(revocationBytes(registry, fields))) }
}
