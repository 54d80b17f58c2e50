import { once } from 'node:events'
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { connect as connectHttp2 } from 'node:http2'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect, type ConnectionOptions, type TLSSocket } from 'node:tls'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { makeCertificate, TestCertificates } from '../testing/certificates.ts'
import { createChannel, publish, startTestNode, type TestNode, testSigner } from '../testing/test-node.ts'
import { CertificateFiles } from './certificate-files.ts'

let first: { cert: Buffer; key: Buffer }
let second: { cert: Buffer; key: Buffer }
let tls: TestCertificates
let node: TestNode
beforeAll(async () => {
  ;[first, second] = await Promise.all([makeCertificate(), makeCertificate({ host: 'second.example' })])
  tls = new TestCertificates(first)
  node = await startTestNode({ tls })
  process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = '0'
})
afterAll(async () => {
  delete process.env['NODE_TLS_REJECT_UNAUTHORIZED']
  await node.close()
})

async function open(options: ConnectionOptions = {}): Promise<TLSSocket> {
  const socket = connect({ host: '127.0.0.1', port: Number(new URL(node.url).port), rejectUnauthorized: false, ...options })
  await once(socket, 'secureConnect')
  return socket
}

async function shown(): Promise<string> {
  const socket = await open()
  const { subjectaltname } = socket.getPeerCertificate()
  socket.destroy()
  return subjectaltname ?? ''
}

const admin = async (path: string): Promise<string> => (await fetch(`${node.adminUrl}${path}`)).text()

test('another certificate is for new connections; a stream that is open and its keys stay', async () => {
  const signer = await testSigner()
  const session = connectHttp2(node.url, { ca: first.cert, servername: 'localhost' })
  const socket = await open({ ALPNProtocols: ['http/1.1'] })
  const bound = socket.exportKeyingMaterial(32, 'EXPORTER-test', Buffer.alloc(0))
  const channel = await createChannel(node.url, signer)
  const stream = session.request({ ':path': `/channel/${channel}/stream` })
  let text = ''
  stream.setEncoding('utf8').on('data', (chunk) => (text += String(chunk)))
  await expect.poll(() => text).toContain('caughtUp')
  expect(await shown()).toContain('localhost')
  const { notAfter } = tls.current
  expect(await admin('/metrics')).toContain(`dred_tls_certificate_not_after_seconds ${notAfter / 1_000}\n`)

  tls.use(second)
  expect(await shown()).toContain('second.example')
  await publish(node.url, channel, { signer, message: 'after the change' })
  await expect.poll(() => text).toContain('after the change')
  expect(socket.exportKeyingMaterial(32, 'EXPORTER-test', Buffer.alloc(0))).toEqual(bound)
  socket.destroy()
  session.destroy()
})

test('older versions, and ciphers whose past can be read with the key, are refused', async () => {
  await expect(open({ maxVersion: 'TLSv1.1', minVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' })).rejects.toThrow('protocol version')
  await expect(open({ maxVersion: 'TLSv1.2', ciphers: 'ECDHE-ECDSA-AES128-SHA' })).rejects.toThrow('handshake failure')
  const socket = await open({ maxVersion: 'TLSv1.2' })
  expect(socket.getProtocol()).toBe('TLSv1.2')
  socket.destroy()
})

test('a certificate that is over makes the server not ready', async () => {
  const { current } = tls
  tls.current = { ...current, notAfter: Date.now() - 1 }
  const response = await fetch(`${node.adminUrl}/readyz`)
  expect(response.status).toBe(503)
  expect(await response.json()).toMatchObject({ checks: { tls: { ok: false, detail: expect.stringContaining('ended') } } })
  tls.current = current
  expect((await fetch(`${node.adminUrl}/readyz`)).status).toBe(200)
})

const folders: string[] = []
afterEach(async () => {
  await Promise.all(folders.splice(0).map((folder) => rm(folder, { recursive: true })))
})

async function filesOf({ cert, key }: { cert: Buffer; key: Buffer }) {
  const folder = await mkdtemp(join(tmpdir(), 'dred-tls-'))
  folders.push(folder)
  const files = { certFile: join(folder, 'cert.pem'), keyFile: join(folder, 'key.pem') }
  const write = async (pair: { cert?: Buffer | string; key?: Buffer | string }): Promise<void> => {
    if (pair.cert !== undefined) await writeFile(files.certFile, pair.cert)
    if (pair.key !== undefined) await writeFile(files.keyFile, pair.key, { mode: 0o600 })
  }
  await write({ cert, key })
  return { files, write }
}

const silent = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined }

test('files: a new pair is taken, half of one and a broken one are refused and the old one stays', async () => {
  const { files, write } = await filesOf(first)
  const errors: object[] = []
  const kept = await CertificateFiles.open({ files, log: { ...silent, error: (fields) => errors.push(fields) }, everyMs: 3_600_000 })
  const changes: Buffer[] = []
  kept.onChange(({ cert }) => changes.push(cert))
  await kept.look()
  expect(changes).toEqual([])

  await write({ cert: second.cert })
  await kept.look()
  expect([kept.refused, changes.length, kept.current.cert.equals(first.cert)]).toEqual([1, 0, true])
  // No stack: it would say nothing of the files.
  expect(errors).toEqual([{ detail: `${files.keyFile} is not the key of the certificate in ${files.certFile}` }])
  await kept.look()
  expect(kept.refused).toBe(1)

  await write({ key: second.key })
  await kept.look()
  expect(changes).toEqual([second.cert])
  await write({ cert: '-----BEGIN CERTIFICATE-----\nnonsense\n-----END CERTIFICATE-----\n' })
  await kept.look()
  await rm(files.certFile)
  await kept.look()
  expect([kept.refused, kept.current.cert.equals(second.cert)]).toEqual([3, true])
  await write({ cert: second.cert })
  await chmod(files.certFile, 0o644)
  await kept.look()
  expect([kept.refused, changes.length]).toEqual([3, 1])
  await kept.close()
})

test('files: they are looked at by themselves', async () => {
  const { files, write } = await filesOf(first)
  const kept = await CertificateFiles.open({ files, log: silent, everyMs: 10 })
  const changed = new Promise<void>((resolve) => kept.onChange(({ cert }) => cert.equals(second.cert) && resolve()))
  await write(second)
  await changed
  expect(kept.current.key).toEqual(second.key)
  await kept.close()
})

test('at the start a pair that does not fit is an error that names the file', async () => {
  const { files, write } = await filesOf({ cert: first.cert, key: second.key })
  await expect(CertificateFiles.open({ files, log: silent })).rejects.toMatchObject({
    code: 'config',
    message: expect.stringContaining(files.keyFile),
  })
  await write({ cert: 'nothing' })
  await expect(CertificateFiles.open({ files, log: silent })).rejects.toMatchObject({
    code: 'config',
    message: expect.stringContaining(files.certFile),
  })
  await rm(files.keyFile)
  await expect(CertificateFiles.open({ files, log: silent })).rejects.toMatchObject({ message: expect.stringContaining('cannot be read') })
})

test('whom a certificate is for: its names and addresses', async () => {
  const { current } = new TestCertificates(second)
  const hosts = ['second.example', '127.0.0.1', 'localhost', '[::1]', '10.0.0.1']
  expect(hosts.map((host) => current.covers(host))).toEqual([true, true, false, false, false])
})
