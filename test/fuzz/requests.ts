import { type ControlName, encodeBase64url, paths, type RouteName, routes, type Signer, signMessage, signPresence } from '@dred/protocol'
import type { Random } from '@dred/protocol/testing/random'
import type { FuzzedServer } from './fuzzed-server.ts'
import { hostileJson, hostileValue, mutateText, mutateValue } from './mutate.ts'

export interface Request {
  route: RouteName
  method: string
  path: string
  headers: [name: string, value: string][]
  body: string | undefined
}

export const routeNames = Object.keys(routes) as RouteName[]
const QUERIES = [
  'after',
  'before',
  'limit',
  'last',
  'from',
  'q',
  'cursor',
  'waitMs',
  'stored',
  'neighborhood',
  'nonce',
  'receipts',
  'presence',
  '__proto__',
  '',
]
const HEADERS: readonly (readonly [string, string])[] = [
  ['authorization', 'Bearer x'],
  ['authorization', 'Basic AAAA'],
  ['authorization', `Bearer ${'eyJhbGciOiJub25lIn0.e30.'}`],
  ['dred-version', '2'],
  ['dred-capability', 'x.y.z'],
  ['accept', 'text/event-stream'],
  ['last-event-id', '1.AAAAAAAAAAAA.1-1-1'],
  ['origin', 'null'],
  ['expect', '100-continue'],
  ['content-encoding', 'gzip'],
  ['x-forwarded-for', '::ffff:1.2.3.4, nonsense'],
  ['content-type', 'application/json; charset=utf-7'],
  ['range', 'bytes=0-1'],
  ['connection', 'upgrade, keep-alive'],
  ['upgrade', 'h2c'],
]
const CONTROLS = { invite: 1, join: 1, approve: 1, leave: 1, remove: 1 }

/** A request that a route might take, or nearly: valid signatures over odd content, or a valid request with something changed. */
export async function hostileRequest(server: FuzzedServer, random: Random): Promise<Request> {
  const route = random.chance(0.25) ? 'publish' : (random.pick(routeNames) ?? 'publish')
  const { method } = routes[route]
  const channel = (random.chance(0.5) ? server.channels[0] : random.pick(server.channels))?.id ?? ''
  const valid = await validBody({ server, route, channel }, random)
  const id = route === 'createChannel' ? channel : random.chance(0.05) ? mutateText(channel, random) : channel
  const path = paths[route].replace(':id', percent(id)) + queryOf(random)
  const headers: [string, string][] = [['host', 'x']]
  while (random.chance(0.06)) headers.push([...(random.pick(HEADERS) ?? ['a', 'b'])] as [string, string])
  if (valid === undefined) return { route, method, path, headers, body: undefined }
  const value = random.chance(0.35) ? valid : mutateValue(valid, random)
  const body = random.chance(0.6) ? (JSON.stringify(value) ?? '') : hostileJson(value, random)
  if (!random.chance(0.02)) headers.push(['content-type', 'application/json'])
  return {
    route,
    method: random.chance(0.02) ? (random.pick(['PATCH', 'HEAD', 'OPTIONS', 'DELETE']) ?? method) : method,
    path,
    headers,
    body,
  }
}

function queryOf(random: Random): string {
  const pairs: string[] = []
  while (random.chance(0.15)) {
    const value = hostileValue(random, 4)
    pairs.push(`${encodeURIComponent(random.pick(QUERIES) ?? '')}=${percent(String(value))}`)
  }
  return pairs.length === 0 ? '' : `?${pairs.join('&')}`
}

function percent(text: string): string {
  try {
    return encodeURIComponent(text)
  } catch {
    return '%ed%a0%80'
  }
}

async function validBody(
  { server, route, channel }: { server: FuzzedServer; route: RouteName; channel: string },
  random: Random,
): Promise<unknown> {
  const { signer } = server
  if (route in CONTROLS) return message(signer, channel, { random, control: route as ControlName })
  const sig = 'A'.repeat(86)
  const bodies: Partial<Record<RouteName, () => unknown>> = {
    publish: () => message(signer, channel, { random }),
    publishBatch: async () => ({
      messages: await Promise.all(Array.from({ length: 1 + random.below(3) }, () => message(signer, channel, { random }))),
    }),
    createChannel: () => server.channels.find(({ id }) => id === channel)?.genesis,
    openSession: () =>
      random.chance(0.5)
        ? { key: signer.key }
        : { key: signer.key, challenge: 'a.b.c', sig, delegation: { message: 'x', signature: '0x11' } },
    revokeDelegation: () => ({
      wallet: `0x${'11'.repeat(20)}`,
      device: signer.key,
      revokedAt: Date.now(),
      by: random.pick(['device', 'wallet']),
      sig,
    }),
    putPresence: () =>
      signPresence(signer, channel, { sentAt: Date.now(), ttlMs: 1 + random.below(30_000), data: random.chance(0.5) ? 1 : { a: 'b' } }),
    streamChannels: () => ({ channels: { [channel]: random.pick([null, `1.${channel.slice(0, 12)}.`]) } }),
  }
  return bodies[route]?.()
}

/** Signed, whatever it says; what cannot be signed is signed as something else. */
async function message(signer: Signer, channel: string, { random, control }: { random: Random; control?: ControlName }): Promise<unknown> {
  const content =
    control === undefined
      ? hostileValue(random)
      : random.pick([{}, { key: signer.key }, { key: signer.key, expiresAt: 2 ** 50 }, { invite: channel }])
  const sentAt = Date.now() + (random.chance(0.9) ? 0 : (random.pick([-1e9, 1e9, -86_400_000]) ?? 0))
  const fields = {
    message: content,
    sentAt,
    ...(control === undefined ? {} : { control }),
    ...(random.chance(0.2) ? { prev: [channel] } : {}),
  }
  try {
    return (await signMessage(signer, channel, fields)).signed
  } catch {
    const signed = await signMessage(signer, channel, { ...fields, message: 'x', ...(control === undefined ? {} : { message: {} }) })
    return { ...signed.signed, message: content, sig: encodeBase64url(new Uint8Array(64)) }
  }
}

/** As bytes of HTTP/1.1. */
export function serialize({ method, path, headers, body }: Request): Buffer {
  const entity = body === undefined ? '' : `content-length: ${Buffer.byteLength(body)}\r\n`
  const lines = headers.map(([name, value]) => `${name}: ${value}\r\n`).join('')
  return Buffer.from(`${method} ${path} HTTP/1.1\r\n${lines}${entity}\r\n${body ?? ''}`)
}
