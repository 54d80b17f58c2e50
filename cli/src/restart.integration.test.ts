// Runs the built program: `tsc -b` first.
import { once } from 'node:events'
import { readFile, writeFile } from 'node:fs/promises'
import { request } from 'node:https'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as delay } from 'node:timers/promises'
import { type Signer, signGenesis, signMessage } from '@dred/protocol'
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest'
import { type RedisServer, startRedis } from '../../node/src/store/testing/redis-server.ts'
import { makeCertificate } from '../../node/src/testing/certificates.ts'
import { testSigner } from '../../node/src/testing/test-node.ts'
import { createDevNeighborhood, registerDevServer } from './dev/deploy.ts'
import { type Harness, killSpawned, outcomeOf, spawnDred, startHarness } from './testing/harness.ts'
import { freePort } from '../../node/src/testing/free-port.ts'

vi.setConfig({ testTimeout: 90_000 })

const RESTARTS = 3
const SUBSCRIBERS = 20

let harness: Harness
let redis: RedisServer | undefined
let neighborhood: string
let port: number
let cert: Buffer
let signer: Signer

beforeAll(async () => {
  harness = await startHarness(1)
  const { deployed, keys, deployment, directory } = harness
  const [operator] = keys.operators
  if (!operator) throw new Error('There is no operator')
  port = await freePort()
  neighborhood = await createDevNeighborhood(deployed, keys, deployment.stakeToken)
  await registerDevServer(deployed, operator, { neighborhood, endpoint: `http://127.0.0.1:${port}`, stakeToken: deployment.stakeToken })
  const made = await makeCertificate()
  cert = made.cert
  await writeFile(join(directory, 'cert.pem'), made.cert)
  await writeFile(join(directory, 'key.pem'), made.key, { mode: 0o600 })
  redis = await startRedis()
  signer = await testSigner()
}, 60_000)

afterEach(killSpawned)
afterAll(async () => {
  await redis?.stop()
  await harness.close()
})

interface Answered {
  status: number
  text: string
}

/** One request over TLS; `onLine` is given each line of the answer as it comes. */
function ask(method: string, path: string, { body, onLine }: { body?: unknown; onLine?: (line: string) => void } = {}): Promise<Answered> {
  return new Promise((resolve, reject) => {
    const headers = body === undefined ? {} : { 'content-type': 'application/json' }
    const sent = request(
      { host: '127.0.0.1', port, path, method, ca: cert, servername: 'localhost', headers, agent: false },
      (response) => {
        let [text, rest] = ['', '']
        response.setEncoding('utf8')
        response.on('data', (chunk: string) => {
          if (!onLine) {
            text += chunk
            return
          }
          const lines = (rest + chunk).split('\n')
          rest = lines.pop() ?? ''
          for (const line of lines) onLine(line)
        })
        response.on('end', () => resolve({ status: response.statusCode ?? 0, text }))
        response.on('error', reject)
      },
    )
    sent.on('error', reject)
    sent.end(body === undefined ? undefined : JSON.stringify(body))
  })
}

interface Line {
  type: string
  id?: string
  cursor?: string
  retryMs?: number
}

/** Reads a channel for good: comes back after the time that it was told, with the last cursor that it was given. */
class Subscriber {
  readonly ids: string[] = []
  closes = 0
  /** Ends without a word. */
  cuts = 0
  #cursor = ''
  #stopped = false
  readonly #done: Promise<void>

  constructor(channel: string) {
    this.#done = this.#follow(channel)
  }

  async stop(): Promise<void> {
    this.#stopped = true
    await this.#done
  }

  async #follow(channel: string): Promise<void> {
    while (!this.#stopped) {
      let retryMs: number | undefined
      const onLine = (line: string): void => {
        const event = JSON.parse(line) as Line
        if (event.type === 'message') this.ids.push(event.id ?? '')
        if (event.type === 'close') retryMs = event.retryMs
        this.#cursor = event.cursor ?? this.#cursor
      }
      const after = this.#cursor === '' ? '?from=start' : `?after=${encodeURIComponent(this.#cursor)}`
      const status = await ask('GET', `/channel/${channel}/stream${after}`, { onLine }).then(
        (answer) => answer.status,
        () => 0,
      )
      if (retryMs !== undefined) this.closes++
      else if (status === 200) this.cuts++
      await delay(retryMs ?? 50)
    }
  }
}

test.each(['SQLite', 'Redis'])('a server that is restarted under load, over TLS, with %s: no gap and nothing twice', async (kind) => {
  const store = (kind === 'Redis' && redis?.url) || 'restarted.db'
  const given = { 'key-file': join('keys', 'server-1.pem'), neighborhood, port: `${port}`, 'admin-port': '0', store, 'log-level': 'silent' }
  const files = { 'tls-cert-file': 'cert.pem', 'tls-key-file': 'key.pem' }
  const flags = ['serve', '--json', ...Object.entries({ ...given, ...files }).flatMap(([name, value]) => [`--${name}`, value])]
  const start = async () => {
    const child = spawnDred(harness.directory, flags)
    const outcome = outcomeOf(child)
    await once(createInterface({ input: child.stdout }), 'line')
    return { child, outcome }
  }

  let server = await start()
  const { id: channel, genesis } = await signGenesis(signer, {
    neighborhood,
    createdAt: Date.now(),
    salt: crypto.getRandomValues(new Uint8Array(16)),
  })
  expect((await ask('PUT', `/channel/${channel}`, { body: genesis })).status).toBe(201)
  const subscribers = Array.from({ length: SUBSCRIBERS }, () => new Subscriber(channel))
  const acknowledged: string[] = []
  let publishing = true
  const publisher = async (number: number): Promise<void> => {
    for (let n = 0; publishing; n++) {
      const { id, signed } = await signMessage(signer, channel, { message: `${number}/${n}`, sentAt: Date.now() })
      // The same bytes again until they are acknowledged, as a client does.
      for (;;) {
        const answer = await ask('POST', `/channel/${channel}`, { body: signed }).catch(() => undefined)
        if (answer && (answer.status === 201 || answer.status === 200)) break
        await delay(20)
      }
      acknowledged.push(id)
    }
  }
  const publishers = [publisher(1), publisher(2), publisher(3)]
  for (let restart = 0; restart < RESTARTS; restart++) {
    const before = acknowledged.length
    await expect.poll(() => acknowledged.length, { timeout: 20_000 }).toBeGreaterThan(before + 50)
    server.child.kill('SIGTERM')
    expect(await server.outcome).toMatchObject({ code: 0 })
    server = await start()
  }
  const before = acknowledged.length
  await expect.poll(() => acknowledged.length, { timeout: 20_000 }).toBeGreaterThan(before + 50)
  publishing = false
  await Promise.all(publishers)
  const expected = [...acknowledged].sort()
  for (const subscriber of subscribers) {
    await expect.poll(() => subscriber.ids.length, { timeout: 20_000 }).toBeGreaterThanOrEqual(expected.length)
  }
  server.child.kill('SIGTERM')
  const stopped = subscribers.map((subscriber) => subscriber.stop())
  expect(await server.outcome).toMatchObject({ code: 0 })
  await Promise.all(stopped)
  for (const { ids, closes, cuts } of subscribers) {
    expect([...ids].sort()).toEqual(expected)
    expect([closes, cuts]).toEqual([RESTARTS + 1, 0])
  }
})

test('a second signal ends it at once, however long it might take', async () => {
  await writeFile(
    join(harness.directory, 'slow.toml'),
    `${await readFile(join(harness.directory, 'dred.toml'), 'utf8')}\n[server.drain]\ndelayMs = 60000\n`,
  )
  const flags = ['--config', 'slow.toml', '--key-file', join('keys', 'server-1.pem'), '--neighborhood', neighborhood, '--port', `${port}`]
  const child = spawnDred(harness.directory, [
    'serve',
    '--json',
    '--admin-port',
    '0',
    '--store',
    'slow.db',
    '--log-level',
    'silent',
    ...flags,
  ])
  const outcome = outcomeOf(child)
  const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string]
  expect(line).toContain('adminUrl')
  const { adminUrl } = JSON.parse(line) as { adminUrl: string }
  child.kill('SIGTERM')
  await expect.poll(async () => (await fetch(`${adminUrl}/readyz`)).status).toBe(503)
  // What comes within a second counts as the same press of Ctrl-C.
  await delay(1_100)
  child.kill('SIGTERM')
  expect(await outcome).toMatchObject({ code: 130 })
})
