import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { describeStore } from './testing/contract.ts'
import { openStore } from './index.ts'
import { openRedisStore } from './redis.ts'
import { client } from './testing/redis-cluster.ts'
import { freePort } from '../testing/free-port.ts'
import { type RedisServer, startRedis } from './testing/redis-server.ts'
import { channel, self } from './testing/samples.ts'

const folder = mkdtempSync(join(tmpdir(), 'dred-redis-security-'))
const files = Object.fromEntries(['ca', 'key', 'password'].map((name) => [name, join(folder, name)])) as Record<
  'ca' | 'key' | 'password',
  string
>
const PASSWORD = 'correct horse'
const refused = { code: 'store_unavailable' }

let server: RedisServer
let tlsPort: number
beforeAll(async () => {
  const kind = ['-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2']
  const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1']
  execFileSync('openssl', ['req', ...kind, ...subject, '-keyout', files.key, '-out', files.ca], { stdio: 'pipe' })
  writeFileSync(files.password, `${PASSWORD}\n`)
  tlsPort = await freePort()
  const tls = ['--tls-port', `${tlsPort}`, '--tls-cert-file', files.ca, '--tls-key-file', files.key, '--tls-ca-cert-file', files.ca]
  server = await startRedis({ appendonly: false, args: tls })
  const admin = client(server)
  await admin.call('ACL', 'SETUSER', ...documentedRights())
  await admin.call('ACL', 'SETUSER', 'default', 'off')
  admin.disconnect()
})
afterAll(async () => {
  await server.stop()
  rmSync(folder, { recursive: true })
})

/** What the manual tells operators to give the server, with the password of this test. */
function documentedRights(): string[] {
  const manual = readFileSync(new URL('../../../docs/operating/redis.md', import.meta.url), 'utf8')
  const rule = /^user (dred [^`]*)/m.exec(manual)?.[1] ?? ''
  return rule
    .replaceAll('\\\n', ' ')
    .trim()
    .split(/\s+/)
    .map((word) => (word.startsWith('>') ? `>${PASSWORD}` : word))
}

const access = { kind: 'redis', username: 'dred', passwordFile: files.password } as const

describe('with the rights that the manual gives', () => {
  let stores = 0
  describeStore('Redis', async () => {
    const prefix = `dred:{rights ${stores++}}:`
    return { open: () => openStore({ ...access, url: server.url }, prefix), dispose: async () => undefined }
  })

  it('reaches nothing else', async () => {
    const user = client({ ...server, url: server.url.replace('//', `//dred:${encodeURIComponent(PASSWORD)}@`) })
    await expect(user.get('of somebody else')).rejects.toThrow('NOPERM')
    await expect(user.flushall()).rejects.toThrow('NOPERM')
    await expect(user.config('GET', 'dir')).rejects.toThrow('NOPERM')
    await expect(user.keys('*')).rejects.toThrow('NOPERM')
    user.disconnect()
  })
})

it('says that a password is wrong without telling it', async () => {
  const failure = await openRedisStore({ url: server.url, prefix: 'dred:{x}:', username: 'dred', password: 'hunter2' }).catch(
    (error: unknown) => error,
  )
  expect(failure).toMatchObject(refused)
  expect(String(failure)).toContain('WRONGPASS')
  expect(JSON.stringify(failure) + String(failure)).not.toContain('hunter2')
})

it('names a password file that is not there', async () => {
  const config = { ...access, url: server.url, passwordFile: join(folder, 'none') }
  await expect(openStore(config, 'dred:{x}:')).rejects.toMatchObject({
    code: 'config',
    message: expect.stringContaining('store.passwordFile') as string,
  })
})

it('speaks TLS with who has the right certificate, and with nobody else', async () => {
  const tls = { caFile: files.ca, certFile: files.ca, keyFile: files.key }
  const url = `rediss://127.0.0.1:${tlsPort}`
  const store = await openStore({ ...access, url, tls }, 'dred:{tls}:')
  expect(await store.append(channel, self, 1)).toMatchObject({ created: true })
  await store.close()
  await expect(openStore({ ...access, url, tls: { ...tls, caFile: anotherCa() } }, 'dred:{tls}:')).rejects.toMatchObject(refused)
  await expect(openStore({ ...access, url, tls: { ...tls, servername: 'redis.example.org' } }, 'dred:{tls}:')).rejects.toMatchObject(
    refused,
  )
})

/** A CA that did not sign the server's certificate. */
function anotherCa(): string {
  const [cert, key] = [join(folder, 'other.pem'), join(folder, 'other.key')]
  const kind = ['-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2', '-subj', '/CN=other']
  execFileSync('openssl', ['req', ...kind, '-keyout', key, '-out', cert], { stdio: 'pipe' })
  return cert
}
