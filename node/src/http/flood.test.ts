import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect as connectHttp2, constants } from 'node:http2'
import { connect, type Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { type Signer, signMessage } from '@dred/protocol'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { endWithProcess } from '../testing/end-with-process.ts'
import { createChannel, publish, testSigner } from '../testing/test-node.ts'

/** Where the flood comes from: another address than the honest client's. */
const ATTACKER = '127.0.0.2'
const ROUNDS = 8
const WARM_UP = 4
/** What a garbage collector that is in no hurry may leave lying about. */
const LEEWAY_BYTES = 50_331_648

let server: ChildProcess
let urls: { url: string; adminUrl: string }
let signer: Signer

beforeEach(async () => {
  const script = fileURLToPath(new URL('testing/flooded-server.ts', import.meta.url))
  server = spawn(process.execPath, ['--max-old-space-size=96', '--max-semi-space-size=8', script], { stdio: ['ignore', 'pipe', 'inherit'] })
  endWithProcess(server)
  if (!server.stdout) throw new Error('no output')
  const [line] = (await once(server.stdout, 'data')) as [Buffer]
  urls = JSON.parse(String(line)) as typeof urls
  signer = await testSigner()
})
afterEach(async () => {
  const exited = once(server, 'exit')
  server.kill('SIGTERM')
  await exited
})

async function residentBytes(): Promise<number> {
  const text = await (await fetch(`${urls.adminUrl}/metrics`)).text()
  return Number(/^process_resident_memory_bytes ([0-9.e+]+)/m.exec(text)?.[1])
}

function attack(): Socket {
  const { hostname, port } = new URL(urls.url)
  return connect({ host: hostname, port: Number(port), localAddress: ATTACKER }).on('error', () => undefined)
}

const head = (channel: string, length: number): string =>
  `POST /channel/${channel} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: ${length}\r\n\r\n`

/** Bodies that do not come to their end. */
function slowBodies(channel: string): Socket[] {
  return Array.from({ length: 100 }, () => {
    const socket = attack().resume()
    socket.write(`${head(channel, 98_000)}{"message":"${'x'.repeat(60_000)}`)
    return socket
  })
}

/** Bodies as large as may be, and larger, that are no messages. */
function largeBodies(channel: string): Socket[] {
  return Array.from({ length: 50 }, (_, i) => {
    const socket = attack().resume()
    const length = i % 2 === 0 ? 98_000 : 5_000_000
    socket.write(`${head(channel, length)}${'x'.repeat(Math.min(length, 1_000_000))}`)
    return socket
  })
}

function garbage(): Socket[] {
  return Array.from({ length: 100 }, (_, i) => {
    const socket = attack().resume()
    socket.write(
      i % 2 === 0 ? Buffer.alloc(20_000, i) : Buffer.concat([Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'), Buffer.alloc(20_000, i)]),
    )
    return socket
  })
}

/** Messages whose signature does not hold, in pipelines that nobody waits for the answers of. */
async function forged(channel: string): Promise<Socket[]> {
  const { signed } = await signMessage(signer, channel, { message: 'x'.repeat(2_000), sentAt: Date.now() })
  const body = JSON.stringify({ ...signed, message: 'forged' })
  return Array.from({ length: 10 }, () => {
    const socket = attack()
    socket.write(`${head(channel, Buffer.byteLength(body))}${body}`.repeat(30))
    return socket
  })
}

/** Pages of history that are asked for and not read, and streams that are opened and reset. */
async function unreadPages(channel: string): Promise<{ destroy(): void }[]> {
  const session = connectHttp2(urls.url, { settings: { initialWindowSize: 0 }, localAddress: ATTACKER } as object)
  session.on('error', () => undefined)
  await once(session, 'connect')
  for (let i = 0; i < 150; i++) session.request({ ':path': `/channel/${channel}/messages` }).on('error', () => undefined)
  for (let i = 0; i < 100; i++) {
    session
      .request({ ':path': `/channel/${channel}/messages` })
      .on('error', () => undefined)
      .close(constants.NGHTTP2_CANCEL)
  }
  return [session]
}

test('a flood from one address leaves memory flat, and who is honest is served', { timeout: 120_000 }, async () => {
  const channel = await createChannel(urls.url, signer)
  for (let i = 0; i < 20; i++) await publish(urls.url, channel, { signer, message: `${i} ${'x'.repeat(60_000)}` })
  const resident: number[] = []
  for (let round = 0; round < ROUNDS; round++) {
    const attackers = [
      ...slowBodies(channel),
      ...largeBodies(channel),
      ...garbage(),
      ...(await forged(channel)),
      ...(await unreadPages(channel)),
    ]
    for (let i = 0; i < 5; i++) {
      expect((await publish(urls.url, channel, { signer, message: `${round} ${i}` })).status).toBe(201)
      await delay(20)
    }
    resident.push(await residentBytes())
    for (const attacker of attackers) attacker.destroy()
  }
  const settled = Math.max(...resident.slice(0, WARM_UP))
  const after = Math.max(...resident.slice(WARM_UP))
  expect(after, resident.map((bytes) => Math.round(bytes / 1_048_576)).join(' ')).toBeLessThan(settled + LEEWAY_BYTES)
})
