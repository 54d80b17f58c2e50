import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { connect, createSecureServer } from 'node:http2'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import { eventually } from '../testing/eventually.ts'
import { Cluster, type ClusterOptions } from './testing/cluster.ts'
import { Rogue } from './testing/rogue.ts'

let tls: { cert: string; key: string }
let cluster: Cluster
const folder = mkdtempSync(join(tmpdir(), 'dred-tls-'))
const closing: (() => unknown)[] = []

beforeAll(() => {
  const [cert, key] = [join(folder, 'cert.pem'), join(folder, 'key.pem')]
  const kind = ['-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2']
  const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost']
  execFileSync('openssl', ['req', ...kind, ...subject, '-keyout', key, '-out', cert], { stdio: 'pipe' })
  tls = { cert: readFileSync(cert, 'utf8'), key: readFileSync(key, 'utf8') }
})
afterAll(() => rmSync(folder, { recursive: true }))
afterEach(async () => {
  for (const close of closing.splice(0)) close()
  await cluster.close()
})

async function create(count: number, options: ClusterOptions = {}): Promise<Cluster> {
  cluster = await Cluster.create(count, { tls, ...options })
  return cluster
}

it('links over TLS', async () => {
  await create(2)
  await cluster.start()
  await eventually(() => cluster.servers.map(({ replicator }) => replicator.connected())).toEqual([[2], [1]])
  const entry = await cluster.message('over TLS')
  await cluster.server(1).take(entry)
  await eventually(() => cluster.server(2).ids()).toEqual([entry.id])
  expect(cluster.servers.map(({ counts }) => counts.rejected)).toEqual([0, 0])
})

/** A valid certificate for the same name is enough to get between two servers; the handshake has to notice. */
it('does not link through somebody between two TLS sessions', async () => {
  await create(2)
  const { endpoint } = cluster.server(2).entry
  const heard: Rogue[] = []
  const between = createSecureServer(tls)
  between.on('sessionError', () => undefined)
  between.on('stream', (near) => {
    const session = connect(endpoint, { ca: tls.cert })
    session.on('error', () => undefined)
    const far = session.request({ ':method': 'POST', ':path': '/peer' }, { endStream: false })
    near.respond({ ':status': 200 })
    heard.push(new Rogue(near), new Rogue(far, session))
    for (const stream of [near, far]) stream.on('error', () => undefined)
    near.pipe(far)
    far.pipe(near)
    near.once('close', () => session.destroy())
  })
  await new Promise<void>((resolve) => between.listen(0, '127.0.0.1', resolve))
  closing.push(() => {
    for (const rogue of heard) rogue.close()
    between.close()
  })
  const { entry } = cluster.server(2)
  cluster.registry.set([cluster.server(1).entry, { ...entry, endpoint: `https://localhost:${(between.address() as AddressInfo).port}` }])
  await cluster.start()
  await eventually(() => heard.flatMap((rogue) => rogue.heard).find(({ type }) => type === 'BYE')).toMatchObject({
    code: 'invalid_signature',
  })
  expect(cluster.servers.map(({ replicator }) => replicator.connected())).toEqual([[], []])
})

it('believes nobody who signed for a connection without TLS', async () => {
  await create(2)
  await cluster.server(2).start()
  const rogue = await Rogue.dial(cluster.server(2).entry.endpoint, { ca: tls.cert })
  closing.push(() => rogue.close())
  await rogue.introduce(cluster, { from: 1, to: 2, key: cluster.server(1).key })
  expect(await rogue.refusal()).toBe('invalid_signature')
})
