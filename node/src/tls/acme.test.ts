import { type ChildProcess, spawn } from 'node:child_process'
import { X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { access, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest'
import { provisionPebble } from '../../../scripts/provision.mjs'
import { Fields } from '../config-fields.ts'
import { freePort } from '../testing/free-port.ts'
import { makeCertificate } from '../testing/certificates.ts'
import { endWithProcess } from '../testing/end-with-process.ts'
import { AcmeRenewal } from './acme.ts'
import { type AcmeConfig, readAcme } from './acme-config.ts'
import type { TlsConfig } from './config.ts'
import { openCertificates } from './index.ts'

const LIFE_S = 6

let folder: string
let children: ChildProcess[]
let acme: AcmeConfig
let files: TlsConfig
const log = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: vi.fn<() => void>() }

beforeAll(async () => {
  const pebble = provisionPebble()
  folder = await mkdtemp(join(tmpdir(), 'dred-acme-'))
  const { cert, key } = await makeCertificate()
  await Promise.all([writeFile(join(folder, 'directory.pem'), cert), writeFile(join(folder, 'directory.key'), key)])
  const [listen, management, httpPort, dns, control] = [
    await freePort(),
    await freePort(),
    await freePort(),
    await freePort(),
    await freePort(),
  ]
  const config = {
    pebble: {
      listenAddress: `127.0.0.1:${listen}`,
      managementListenAddress: `127.0.0.1:${management}`,
      certificate: join(folder, 'directory.pem'),
      privateKey: join(folder, 'directory.key'),
      httpPort,
      tlsPort: 0,
      certificateValidityPeriod: LIFE_S,
      domainBlocklist: ['blocked.test'],
    },
  }
  await writeFile(join(folder, 'pebble.json'), JSON.stringify(config))
  const env = { ...process.env, PEBBLE_VA_NOSLEEP: '1', PEBBLE_WFE_NONCEREJECT: '0' }
  const names = ['-defaultIPv4', '127.0.0.1', '-defaultIPv6', '', '-dns01', `127.0.0.1:${dns}`, '-management', `127.0.0.1:${control}`]
  children = [
    spawn(`${pebble}-challtestsrv`, [...names, '-http01', '', '-https01', '', '-tlsalpn01', ''], { stdio: 'ignore' }),
    spawn(pebble, ['-config', join(folder, 'pebble.json'), '-dnsserver', `127.0.0.1:${dns}`], { stdio: 'ignore', env }),
  ]
  for (const child of children) endWithProcess(child)
  acme = {
    directoryUrl: `https://localhost:${listen}/dir`,
    domains: ['relay.test'],
    agreeTos: true,
    accountKeyFile: join(folder, 'account.pem'),
    host: '127.0.0.1',
    port: httpPort,
    caFile: join(folder, 'directory.pem'),
  }
  const reach = async (): Promise<void> => {
    const socket = connect(listen, '127.0.0.1')
    await once(socket, 'connect')
    socket.destroy()
  }
  await vi.waitFor(reach, { timeout: 20_000 })
}, 240_000)

afterAll(async () => {
  for (const child of children) child.kill('SIGKILL')
  await rm(folder, { recursive: true })
})

let run = 0
beforeEach(() => {
  run++
  files = { certFile: join(folder, `cert-${run}.pem`), keyFile: join(folder, `key-${run}.pem`) }
  log.error.mockClear()
})

const certificate = async (): Promise<X509Certificate> => new X509Certificate(await readFile(files.certFile))

test('a certificate is got where there is none, for its names, readable by its owner only', async () => {
  const renewal = await AcmeRenewal.start({ acme, files, log, renewed: () => undefined })
  const got = await certificate()
  expect(got.checkHost('relay.test')).toBe('relay.test')
  for (const file of [files.certFile, files.keyFile, acme.accountKeyFile]) expect((await stat(file)).mode & 0o777).toBe(0o600)
  await expect(access(`${files.certFile}.ordering`)).rejects.toThrow('ENOENT')
  await renewal.close()
})

test('it is renewed by itself before it ends, with the same key', async () => {
  let told = (): void => undefined
  const renewed = new Promise<void>((resolve) => (told = resolve))
  const renewal = await AcmeRenewal.start({ acme, files, log, renewed: () => told() })
  const first = await certificate()
  await renewed
  const second = await certificate()
  expect(second.serialNumber).not.toBe(first.serialNumber)
  expect(second.publicKey.equals(first.publicKey)).toBe(true)
  await renewal.close()
})

test('of several processes one orders, and all have it', async () => {
  const renewals = await Promise.all(Array.from({ length: 4 }, () => AcmeRenewal.start({ acme, files, log, renewed: () => undefined })))
  // The others would have found the port of the challenge taken.
  expect(renewals).toHaveLength(4)
  expect((await certificate()).checkHost('relay.test')).toBe('relay.test')
  await Promise.all(renewals.map((renewal) => renewal.close()))
})

test('an order that is refused leaves what is there, and is an error only where nothing is', async () => {
  const blocked = { ...acme, domains: ['blocked.test'] }
  await expect(AcmeRenewal.start({ acme: blocked, files, log, renewed: () => undefined })).rejects.toThrow(/policy|blocked|rejected/i)
  const renewal = await AcmeRenewal.start({ acme, files, log, renewed: () => undefined })
  await renewal.close()
  const first = await readFile(files.certFile, 'utf8')
  const failing = await AcmeRenewal.start({ acme: blocked, files, log, renewed: () => undefined })
  await vi.waitFor(() => expect(log.error).toHaveBeenCalled(), { timeout: 15_000 })
  expect(await readFile(files.certFile, 'utf8')).toBe(first)
  await failing.close()
}, 30_000)

test('settings', () => {
  const problems: string[] = []
  readAcme(new Fields({ directoryUrl: 'http://x', domains: ['*.x'], accountKeyFile: 'a', emial: 'x' }, 'acme', problems))
  expect(problems).toEqual([
    'acme.domains has to be a list of lowercase names',
    "acme.agreeTos has to be true: agree to the certificate authority's terms of service",
    'acme.directoryUrl has to be an https:// address',
    'acme.emial is not a setting; did you mean acme.email?',
  ])
})

test('a certificate that was ordered is shown, and the next one after it', async () => {
  const opened = await openCertificates(files, acme, log)
  const first = opened.current.cert
  expect(opened.current.covers('relay.test')).toBe(true)
  await new Promise<void>((resolve) => opened.onChange(() => resolve()))
  expect(opened.current.cert).not.toEqual(first)
  expect(opened.refused).toBe(0)
  await opened.close()
  const elsewhere = { ...acme, directoryUrl: 'https://127.0.0.1:1/dir' }
  const nowhere = { certFile: join(folder, 'never.pem'), keyFile: join(folder, 'never.key') }
  await expect(openCertificates(nowhere, elsewhere, log)).rejects.toMatchObject({
    code: 'config',
    message: expect.stringContaining('127.0.0.1:1') as unknown,
  })
})
