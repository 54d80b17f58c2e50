// Runs the built program: `tsc -b` first.
import { readFile, writeFile } from 'node:fs/promises'
import { once } from 'node:events'
import { createServer, type Server } from 'node:net'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { connect } from 'node:tls'
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest'
import { createDevNeighborhood, registerDevServer } from './dev/deploy.ts'
import { makeCertificate } from '../../node/src/testing/certificates.ts'
import { type Harness, killSpawned, outcomeOf, spawnDred, startHarness } from './testing/harness.ts'
import { freePort } from '../../node/src/testing/free-port.ts'

vi.setConfig({ testTimeout: 60_000 })

let harness: Harness
let neighborhood: string
let port: number
let serverId: number

beforeAll(async () => {
  harness = await startHarness(3)
  const { deployed, keys, deployment } = harness
  port = await freePort()
  neighborhood = await createDevNeighborhood(deployed, keys, deployment.stakeToken)
  const [first, , third] = keys.operators
  if (!first || !third) throw new Error('There is no operator')
  const server = { neighborhood, endpoint: `http://127.0.0.1:${port}`, stakeToken: deployment.stakeToken }
  serverId = await registerDevServer(deployed, first, server)
  await registerDevServer(deployed, third, { ...server, endpoint: `https://127.0.0.1:${port}` })
}, 60_000)

afterEach(killSpawned)
afterAll(() => harness.close())

function flags(changes: Record<string, string> = {}): string[] {
  const all = {
    'key-file': join('keys', 'server-1.pem'),
    neighborhood,
    port: String(port),
    'admin-port': '0',
    store: 'relay.db',
    'log-level': 'silent',
    ...changes,
  }
  return ['serve', '--json', ...Object.entries(all).flatMap(([name, value]) => [`--${name}`, value])]
}

async function fail(code: number, name: string, changes: Record<string, string>): Promise<string> {
  const outcome = await harness.dred(...flags(changes))
  expect(outcome).toMatchObject({ code })
  const { error } = JSON.parse(outcome.stdout) as { error: { code: string; message: string } }
  expect(error).toMatchObject({ code: name })
  expect(outcome.stderr).toBe(`${error.message}\n`)
  return error.message
}

async function listening(): Promise<[Server, string]> {
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  return [server, String(typeof address === 'object' && address?.port)]
}

/** Starts a server, reads its ready line, checks that it answers and ends it with a signal. */
async function serveUntil(signal: NodeJS.Signals) {
  const child = spawnDred(harness.directory, flags())
  const outcome = outcomeOf(child)
  const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string]
  const ready = JSON.parse(line) as { server: number; url: string; adminUrl: string }
  const [wellKnown, readiness] = await Promise.all([fetch(`${ready.url}/.well-known/dred`), fetch(`${ready.adminUrl}/readyz`)])
  child.kill(signal)
  return { ready, statuses: [wellKnown.status, readiness.status], ...(await outcome) }
}

test.each([
  ['SIGTERM', 0],
  ['SIGINT', 130],
] as const)('it serves, says so in one line, and ends in order on %s', async (signal, code) => {
  const served = await serveUntil(signal)
  expect(served).toMatchObject({ code, statuses: [200, 200], ready: { server: serverId, url: `http://127.0.0.1:${port}` } })
  expect(served.stdout.trimEnd().split('\n')).toHaveLength(1)
  expect(served.stderr).toContain(`Stopping on ${signal}`)
})

test('the key file: absent, exposed, of another kind, not registered', async () => {
  await fail(4, 'key_file', { 'key-file': 'absent.pem' })
  const pem = await readFile(join(harness.directory, 'keys', 'server-1.pem'))
  await writeFile(join(harness.directory, 'exposed.pem'), pem, { mode: 0o644 })
  expect(await fail(4, 'key_file', { 'key-file': 'exposed.pem' })).toContain('chmod 600')
  await fail(4, 'key_file', { 'key-file': join('keys', 'device.pem') })
  expect(await fail(6, 'not_registered', { 'key-file': join('keys', 'server-2.pem') })).toContain('register')
})

test('a chain, a store or a port that is not to be had', async () => {
  const closed = await freePort()
  await fail(5, 'chain_unreachable', { 'rpc-url': `http://127.0.0.1:${closed}` })
  await fail(5, 'store_unavailable', { store: `redis://127.0.0.1:${closed}` })
  const [holder, taken] = await listening()
  expect(await fail(1, 'port_in_use', { port: taken })).toContain(taken)
  holder.close()
})

test('a key that another process serves with', async () => {
  const child = spawnDred(harness.directory, flags())
  const outcome = outcomeOf(child)
  await once(createInterface({ input: child.stdout }), 'line')
  const other = { port: String(await freePort()), store: 'other.db' }
  expect(await fail(7, 'already_serving', other)).toContain(`http://127.0.0.1:${port}`)
  child.kill('SIGTERM')
  await outcome
})

test('settings that do not fit are refused together', async () => {
  expect(await fail(2, 'config_invalid', { neighborhood: 'seven', topology: 'tree', 'log-level': 'loud' })).toMatch(
    /neighborhood.*topology.*logLevel/,
  )
  expect(await fail(2, 'missing_value', { 'tls-cert-file': 'cert.pem' })).toContain('--tls-key-file')
})

interface Checked {
  ready: boolean
  checks: { name: string; ok: boolean; detail: string; code?: string }[]
}

async function check(changes: Record<string, string> = {}) {
  const { code, stdout, stderr } = await harness.dred(...flags(changes), '--check')
  return { code, stderr, ...(JSON.parse(stdout) as Checked) }
}

test('--check says that a server could start, and changes nothing', async () => {
  const fine = await check({ store: 'never.db' })
  expect(fine).toMatchObject({ code: 0, ready: true, stderr: '' })
  expect(fine.checks.map(({ name }) => name)).toEqual(['key', 'store', 'chain', 'registered', 'certificate'])
  await expect(readFile(join(harness.directory, 'never.db'))).rejects.toThrow('ENOENT')
  const human = await harness.dred(...flags().filter((flag) => flag !== '--json'), '--check')
  expect(human.stdout).toMatch(/registered +ok: server \d+ at http/)
})

test('--check finds all that is wrong, and ends as a start would', async () => {
  const closed = await freePort()
  const outcome = await check({ 'key-file': 'absent.pem', store: `redis://127.0.0.1:${closed}`, 'rpc-url': `http://127.0.0.1:${closed}` })
  expect(outcome).toMatchObject({ code: 4, ready: false })
  expect(outcome.checks.map(({ name, code }) => [name, code])).toEqual([
    ['key', 'key_file'],
    ['store', 'store_unavailable'],
    ['chain', 'chain_unreachable'],
  ])
  expect(outcome.stderr).toContain('3 checks failed')
  expect(await check({ store: join('absent', 'relay.db') })).toMatchObject({
    code: 5,
    checks: [{}, { name: 'store', ok: false }, {}, {}, {}],
  })
  expect(await check({ 'key-file': join('keys', 'server-2.pem') })).toMatchObject({ code: 6 })
})

test('--check looks into the TLS files, and whom the certificate is for', async () => {
  const write = async (name: string, { cert, key }: { cert: Buffer; key: Buffer }) => {
    const [certFile, keyFile] = [join(harness.directory, `${name}.crt`), join(harness.directory, `${name}.key`)]
    await Promise.all([writeFile(certFile, cert), writeFile(keyFile, key, { mode: 0o600 })])
    return { 'tls-cert-file': certFile, 'tls-key-file': keyFile }
  }
  const fine = await write('fine', await makeCertificate())
  const https = { 'key-file': join('keys', 'server-3.pem') }
  expect((await check({ ...https, ...fine })).checks.at(-1)).toEqual({ name: 'certificate', ok: true, detail: 'for 127.0.0.1' })
  const other = await write('other', await makeCertificate({ host: 'relay.example', address: '10.0.0.1' }))
  const elsewhere = await check({ ...https, ...other })
  expect(elsewhere).toMatchObject({ code: 2, ready: false })
  expect(elsewhere.checks.at(-1)).toMatchObject({ name: 'certificate', ok: false, detail: expect.stringContaining('127.0.0.1') as unknown })
  const mixed = await check({ ...https, ...fine, 'tls-key-file': other['tls-key-file'] })
  expect(mixed.checks[1]).toMatchObject({ name: 'tls', ok: false, code: 'config' })
  expect(mixed.checks.map(({ name }) => name)).not.toContain('certificate')
  const failing = await Promise.all([check(https), check(fine)])
  expect(failing.map(({ code, checks }) => [code, checks.at(-1)])).toMatchObject([
    [2, { name: 'certificate', ok: false, detail: expect.stringContaining('no certificate') as unknown }],
    [2, { name: 'certificate', ok: false, detail: expect.stringContaining('nobody expects TLS') as unknown }],
  ])
  const settings = await readFile(join(harness.directory, 'dred.toml'), 'utf8')
  await writeFile(join(harness.directory, 'proxied.toml'), `${settings}\n[server]\ntrustProxy = ["127.0.0.1/32"]\n`)
  expect(await check({ ...https, config: 'proxied.toml' })).toMatchObject({ code: 0, ready: true })
})

test('a service reads its certificate again on SIGHUP, and goes on', async () => {
  const [first, second] = await Promise.all([makeCertificate(), makeCertificate({ host: 'renewed.example' })])
  const [certFile, keyFile] = [join(harness.directory, 'hup.crt'), join(harness.directory, 'hup.key')]
  const write = ({ cert, key }: { cert: Buffer; key: Buffer }) =>
    Promise.all([writeFile(certFile, cert), writeFile(keyFile, key, { mode: 0o600 })])
  await write(first)
  const child = spawnDred(harness.directory, flags({ 'tls-cert-file': certFile, 'tls-key-file': keyFile }))
  const outcome = outcomeOf(child)
  await once(createInterface({ input: child.stdout }), 'line')
  expect(await subjectOf(port)).toContain('localhost')
  await write(second)
  child.kill('SIGHUP')
  await expect.poll(() => subjectOf(port), { timeout: 4_000, interval: 50 }).toContain('renewed.example')
  child.kill('SIGTERM')
  expect(await outcome).toMatchObject({ code: 0 })
})

async function subjectOf(at: number): Promise<string> {
  const socket = connect({ host: '127.0.0.1', port: at, rejectUnauthorized: false })
  await once(socket, 'secureConnect')
  const { subjectaltname } = socket.getPeerCertificate()
  socket.destroy()
  return subjectaltname ?? ''
}
