// Runs the built program: `tsc -b` first.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest'
import { type RedisServer, startRedis } from '../../node/src/store/testing/redis-server.ts'
import { makeCertificate } from '../../node/src/testing/certificates.ts'
import { createDevNeighborhood, registerDevServer } from './dev/deploy.ts'
import { type Harness, killSpawned, outcomeOf, spawnDred, startHarness } from './testing/harness.ts'
import { freePort } from '../../node/src/testing/free-port.ts'

vi.setConfig({ testTimeout: 60_000 })

let harness: Harness
let redis: RedisServer | undefined
let store: string
let flags: (adminPort: number, ...more: string[]) => string[]

beforeAll(async () => {
  harness = await startHarness(1)
  const { deployed, keys, deployment } = harness
  const [operator] = keys.operators
  if (!operator) throw new Error('There is no operator')
  const port = await freePort()
  const neighborhood = await createDevNeighborhood(deployed, keys, deployment.stakeToken)
  await registerDevServer(deployed, operator, { neighborhood, endpoint: `http://127.0.0.1:${port}`, stakeToken: deployment.stakeToken })
  redis = await startRedis({ appendonly: false })
  store = redis.url
  const common = { 'key-file': join('keys', 'server-1.pem'), neighborhood, port: `${port}`, 'log-level': 'silent' }
  flags = (adminPort, ...more) => {
    const all = { ...common, 'admin-port': `${adminPort}` }
    return ['serve', '--json', ...Object.entries(all).flatMap(([name, value]) => [`--${name}`, value]), ...more]
  }
}, 60_000)

afterEach(killSpawned)
afterAll(async () => {
  await redis?.stop()
  await harness.close()
})

/** The id of a process, as its metrics port has it; undefined while nobody answers there. */
async function startOf(adminPort: number): Promise<number | undefined> {
  const response = await fetch(`http://127.0.0.1:${adminPort}/metrics`).catch(() => undefined)
  const text = response ? await response.text() : ''
  const seconds = /^process_start_time_seconds (\d+)/m.exec(text)?.[1]
  return seconds === undefined ? undefined : Number(seconds)
}

async function childrenOf(pid: number | undefined): Promise<number[]> {
  const ps = spawn('ps', ['-o', 'pid=', '--ppid', `${pid}`])
  let text = ''
  for await (const chunk of ps.stdout) text += String(chunk)
  return text.split('\n').filter(Boolean).map(Number)
}

/** A closed port, right before one that is listened on: most are free. */
async function portBeforeAHeldOne(): Promise<{ adminPort: number; holder: ReturnType<typeof createServer> }> {
  for (;;) {
    const adminPort = await freePort()
    const holder = createServer().listen(adminPort + 1, '127.0.0.1')
    const held = await once(holder, 'listening').then(
      () => true,
      () => false,
    )
    if (held) return { adminPort, holder }
  }
}

/** The first of two closed ports: one for each process. */
async function twoClosedPorts(): Promise<number> {
  const { adminPort, holder } = await portBeforeAHeldOne()
  holder.close()
  await once(holder, 'close')
  return adminPort
}

test('two processes share the port; one that dies is started again; both end on SIGTERM', async () => {
  const adminPort = await twoClosedPorts()
  const child = spawnDred(harness.directory, flags(adminPort, '--store', store, '--processes', '2'))
  const outcome = outcomeOf(child)
  const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string]
  const ready = JSON.parse(line) as { url: string; processes: number }
  expect(ready.processes).toBe(2)
  await expect.poll(() => startOf(adminPort + 1), { timeout: 30_000 }).toBeGreaterThan(0)
  const before = await startOf(adminPort + 1)
  const [worker, ...others] = await childrenOf(child.pid)
  expect(others).toEqual([])
  process.kill(worker ?? 0, 'SIGKILL')
  await expect.poll(async () => ((await startOf(adminPort + 1)) ?? 0) > (before ?? 0), { timeout: 30_000 }).toBe(true)
  // Connections go to either.
  const statuses = await Promise.all(Array.from({ length: 20 }, async () => (await fetch(`${ready.url}/.well-known/dred`)).status))
  expect(new Set(statuses)).toEqual(new Set([200]))
  const [again] = await childrenOf(child.pid)
  child.kill('SIGTERM')
  expect(await outcome).toMatchObject({ code: 0 })
  expect(() => process.kill(again ?? 0, 0)).toThrow('ESRCH')
  expect((await outcome).stdout.trimEnd().split('\n')).toHaveLength(1)
  expect((await outcome).stderr).toContain('Worker 1 ended (SIGKILL)')
})

test('a process joins the others where the server does not reach its own endpoint', async () => {
  const adminPort = await twoClosedPorts()
  const { cert, key } = await makeCertificate()
  await Promise.all([
    writeFile(join(harness.directory, 'cert.pem'), cert),
    writeFile(join(harness.directory, 'key.pem'), key, { mode: 0o600 }),
  ])
  const tls = ['--tls-cert-file', 'cert.pem', '--tls-key-file', 'key.pem']
  const child = spawnDred(harness.directory, flags(adminPort, '--store', store, '--processes', '2', ...tls))
  const outcome = outcomeOf(child)
  await expect.poll(() => startOf(adminPort + 1), { timeout: 30_000 }).toBeGreaterThan(0)
  child.kill('SIGTERM')
  expect(await outcome).toMatchObject({ code: 0 })
})

test('a process that cannot start ends, and is started again', async () => {
  const { adminPort, holder } = await portBeforeAHeldOne()
  const child = spawnDred(harness.directory, flags(adminPort, '--store', store, '--processes', '2'))
  const outcome = outcomeOf(child)
  let said = ''
  child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()))
  await expect.poll(() => said, { timeout: 30_000 }).toContain('Worker 1 ended (exit code 1)')
  holder.close()
  await expect.poll(() => startOf(adminPort + 1), { timeout: 30_000 }).toBeGreaterThan(0)
  child.kill('SIGTERM')
  expect(await outcome).toMatchObject({ code: 0 })
})

test('SQLite is for one process', async () => {
  const outcome = await harness.dred(...flags(0, '--processes', '2'))
  expect(outcome).toMatchObject({ code: 2 })
  expect(outcome.stdout).toContain('processes.count')
})

test('a process with another store is refused while one serves, and one with the same store is taken', async () => {
  const first = spawnDred(harness.directory, flags(0, '--store', store))
  const ended = outcomeOf(first)
  await once(createInterface({ input: first.stdout }), 'line')
  const elsewhere = ['--port', `${await freePort()}`]
  const args = flags(0).filter((_, i, all) => all[i] !== '--port' && all[i - 1] !== '--port')
  const refused = await harness.dred(...args, ...elsewhere, '--store', 'other.db')
  expect(JSON.parse(refused.stdout)).toMatchObject({ error: { code: 'already_serving' } })
  const emptied = await harness.dred(...args, ...elsewhere, '--store', `${store}/1`)
  expect(JSON.parse(emptied.stdout)).toMatchObject({ error: { code: 'already_serving' } })
  const second = spawnDred(harness.directory, [...args, ...elsewhere, '--store', store])
  const secondEnded = outcomeOf(second)
  const [line] = (await once(createInterface({ input: second.stdout }), 'line')) as [string]
  expect(JSON.parse(line)).toMatchObject({ url: `http://127.0.0.1:${elsewhere[1]}` })
  second.kill('SIGTERM')
  first.kill('SIGTERM')
  expect([(await ended).code, (await secondEnded).code]).toEqual([0, 0])
})
