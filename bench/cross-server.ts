// How long a message takes from one server to the readers of another, at a steady pace: publishes on server A, follows server B.
//   node bench/cross-server.ts --discovery URL --neighborhood ID [--messages 300] [--every-ms 200] [--bytes 256]
import { parseArgs } from 'node:util'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  generateDeviceKey,
  limits,
  routeUrl,
  type Signer,
  type StreamEvent,
  signGenesis,
  signMessage,
  webCryptoSigner,
} from '@dred/protocol'

const { values } = parseArgs({
  options: {
    discovery: { type: 'string' },
    neighborhood: { type: 'string', default: '1' },
    messages: { type: 'string', default: '300' },
    'every-ms': { type: 'string', default: '200' },
    bytes: { type: 'string', default: '256' },
  },
})
if (!values.discovery) throw new Error('--discovery is missing: the address of a discovery API')

async function send(method: 'POST' | 'PUT', url: string, body: unknown): Promise<void> {
  const response = await fetch(url, { method, headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) })
  if (!response.ok) throw new Error(`${method} ${url}: ${response.status} ${await response.text()}`)
  await response.arrayBuffer()
}

async function createChannel(signer: Signer, servers: string[]): Promise<string> {
  const salt = crypto.getRandomValues(new Uint8Array(16))
  const { id, genesis } = await signGenesis(signer, { neighborhood: values.neighborhood, createdAt: Date.now(), salt, name: 'bench' })
  for (const server of servers) await send('PUT', routeUrl(server, 'createChannel', { params: { id } }), genesis)
  return id
}

/** Calls back with each event of a stream until the signal aborts. */
async function follow(url: string, signal: AbortSignal, handle: (event: StreamEvent) => void): Promise<void> {
  const response = await fetch(url, { signal })
  if (!response.ok || !response.body) throw new Error(`${url}: ${response.status}`)
  let rest = ''
  for await (const chunk of response.body.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + chunk).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) if (line !== '') handle(JSON.parse(line) as StreamEvent)
  }
}

const discovered = await fetch(`${values.discovery}/v1/neighborhoods/${values.neighborhood}/servers`)
const { items } = (await discovered.json()) as { items: { endpoint: string }[] }
const [a, b] = items.map(({ endpoint }) => endpoint)
if (!a || !b) throw new Error('The neighborhood has fewer than two active servers')

const signer = await webCryptoSigner(await generateDeviceKey({ extractable: false }))
const channel = await createChannel(signer, [a, b])
const padding = 'x'.repeat(Math.min(Number(values.bytes), limits.messageBytes / 2))
const count = Number(values.messages)
const sentAt = new Map<string, number>()
const latencies: number[] = []
const done = new AbortController()
const open = Promise.withResolvers<void>()
const following = follow(routeUrl(b, 'streamChannel', { params: { id: channel } }), done.signal, (event) => {
  if (event.type === 'open') open.resolve()
  const started = event.type === 'message' ? sentAt.get(event.id) : undefined
  if (started === undefined) return
  latencies.push(performance.now() - started)
  if (latencies.length === count) done.abort()
}).catch((error: unknown) => {
  if (!done.signal.aborted) throw error
})
await open.promise
for (let n = 0; n < count; n++) {
  const { id, signed } = await signMessage(signer, channel, { message: { n, padding }, sentAt: Date.now(), nonce: String(n) })
  sentAt.set(id, performance.now())
  await send('POST', routeUrl(a, 'publish', { params: { id: channel } }), signed)
  await sleep(Number(values['every-ms']))
}
await following
latencies.sort((x, y) => x - y)
const quantile = (q: number): number => Math.round((latencies[Math.ceil(q * latencies.length) - 1] ?? Number.NaN) * 100) / 100
process.stdout.write(
  `${JSON.stringify({ messages: count, from: a, to: b, latencyMs: { p50: quantile(0.5), p99: quantile(0.99), max: quantile(1) } }, null, 2)}\n`,
)
