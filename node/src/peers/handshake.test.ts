import { createServer, type Http2Server, type ServerHttp2Stream } from 'node:http2'
import type { AddressInfo } from 'node:net'
import { encodeFrame, type RelayFrame, type Handshake, handshakeBytes } from '@dred/protocol/relay'
import { encode } from 'cborg'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Cluster, quick } from './testing/cluster.ts'
import { helloOf, Rogue } from './testing/rogue.ts'

let cluster: Cluster
const rogues: Rogue[] = []
const SERVER = 3

/** Server 3 runs; the others are registered and played by the tests. */
beforeEach(async () => {
  cluster = await Cluster.create(3, { replicator: { timings: { ...quick, handshakeMs: 300 } } })
  await cluster.server(SERVER).start()
})
afterEach(async () => {
  for (const rogue of rogues.splice(0)) rogue.close()
  await cluster.close()
})

async function dialled(): Promise<Rogue> {
  const rogue = await Rogue.dial(cluster.server(SERVER).entry.endpoint)
  rogues.push(rogue)
  return rogue
}

const as = (from: number) => ({ from, to: SERVER, key: cluster.server(from).key })
const connected = () => cluster.server(SERVER).replicator.connected()

describe('a peer that dials', () => {
  it('is believed with its registered key', async () => {
    const rogue = await dialled()
    await rogue.join(cluster, as(1))
    expect(connected()).toEqual([1])
  })

  it.each<[string, Partial<Extract<RelayFrame, { type: 'HELLO' }>>]>([
    ['wrong_registry', { chainId: 1 }],
    ['wrong_registry', { serverRegistry: `0x${'ab'.repeat(20)}` }],
    ['wrong_neighborhood', { neighborhood: '2' }],
    ['wrong_server', { to: 2 }],
    ['wrong_turn', { from: SERVER }],
    ['wrong_turn', { from: SERVER + 1 }],
  ])('is refused as %s when it says %o', async (code, changes) => {
    const rogue = await dialled()
    rogue.send(helloOf(cluster, as(1), changes))
    expect(await rogue.refusal()).toBe(code)
    expect(connected()).toEqual([])
  })

  it('is refused when it is not in the registry, or no longer', async () => {
    cluster.register([cluster.server(2), cluster.server(SERVER)])
    const rogue = await dialled()
    rogue.send(helloOf(cluster, as(1)))
    expect(await rogue.refusal()).toBe('unregistered')
  })

  it('is refused when it leaves the registry while it introduces itself', async () => {
    const rogue = await dialled()
    const { key } = cluster.server(1)
    const leaving = {
      sign: (bytes: Uint8Array) => {
        cluster.register([cluster.server(SERVER)])
        return key.sign(bytes)
      },
    }
    await rogue.introduce(cluster, { ...as(1), key: leaving })
    expect(await rogue.refusal()).toBe('unregistered')
  })

  it('is refused with the key of another server', async () => {
    const rogue = await dialled()
    await rogue.introduce(cluster, { ...as(1), key: cluster.server(2).key })
    expect(await rogue.refusal()).toBe('invalid_signature')
    expect(connected()).toEqual([])
  })

  it('is believed with its former key until that ends, and not longer', async () => {
    const [one, present] = [cluster.server(1), await cluster.key('present')]
    const { keyX, keyY, keyId } = present
    const { registry } = cluster
    const acceptedUntil = registry.time() + 3_600
    const rotated = { ...one.entry, keyX, keyY, keyId, formerKeys: [{ ...one.key, acceptedUntil }] }
    registry.set([rotated, cluster.server(SERVER).entry])
    const [former, another] = [await dialled(), await dialled()]
    await former.join(cluster, as(1))
    expect(connected()).toEqual([1])

    registry.time = () => acceptedUntil + 1
    registry.notice()
    expect(await former.refusal()).toBe('unregistered')
    await another.introduce(cluster, as(1))
    expect(await another.refusal()).toBe('invalid_signature')
    const late = await dialled()
    await late.join(cluster, { ...as(1), key: present })
    expect(connected()).toEqual([1])
  })

  it('keeps its link when it rotates its key with an overlap', async () => {
    const rogue = await dialled()
    await rogue.join(cluster, as(1))
    const one = cluster.server(1)
    const { keyX, keyY, keyId } = await cluster.key('present')
    const formerKeys = [{ ...one.key, acceptedUntil: cluster.registry.time() + 3_600 }]
    cluster.registry.set([{ ...one.entry, keyX, keyY, keyId, formerKeys }, cluster.server(SERVER).entry])
    const { pongs } = rogue
    rogue.send({ type: 'PING', at: 1 })
    await expect.poll(() => rogue.pongs).toBe(pongs + 1)
    expect(connected()).toEqual([1])
  })

  it('is believed when its attestation has lapsed, and not before its first', async () => {
    const { entry } = cluster.server(1)
    const own = cluster.server(SERVER).entry
    cluster.registry.set([{ ...entry, status: 'pending' }, own])
    const lapsed = await dialled()
    await lapsed.join(cluster, as(1))
    expect(connected()).toEqual([1])
    cluster.registry.set([{ ...entry, status: 'pending', validUntil: 0 }, own])
    expect(await lapsed.refusal()).toBe('unregistered')
    const pending = await dialled()
    pending.send(helloOf(cluster, as(1)))
    expect(await pending.refusal()).toBe('unregistered')
  })

  it('is refused by a server that is not attested itself', async () => {
    cluster.registry.set([cluster.server(1).entry, { ...cluster.server(SERVER).entry, status: 'pending', validUntil: 0 }])
    const rogue = await dialled()
    await rogue.introduce(cluster, as(1))
    expect(await rogue.refusal()).toBe('unregistered')
  })

  it('is refused when it repeats what another server has said before', async () => {
    const honest = await dialled()
    const { hello, signature } = await honest.introduce(cluster, as(1))
    await honest.next('STATE')
    const replayer = await dialled()
    replayer.send(hello)
    await replayer.next('WELCOME')
    replayer.send({ type: 'AUTH', signature })
    expect(await replayer.refusal()).toBe('invalid_signature')
    expect(connected()).toEqual([1])
  })

  it('is refused when it sends back what this server has signed', async () => {
    const rogue = await dialled()
    rogue.send(helloOf(cluster, as(1)))
    const { signature } = await rogue.next('WELCOME')
    rogue.send({ type: 'AUTH', signature })
    expect(await rogue.refusal()).toBe('invalid_signature')
  })

  it('is refused with a signature for a TLS session on a connection without', async () => {
    const rogue = await dialled()
    const key = {
      // What it signs is what it should, but for the last field: 32 bytes instead of none.
      sign: (bytes: Uint8Array) => cluster.server(1).key.sign(Buffer.concat([bytes.subarray(0, -1), encode(new Uint8Array(32))])),
    }
    await rogue.introduce(cluster, { ...as(1), key })
    expect(await rogue.refusal()).toBe('invalid_signature')
  })

  it('takes the place of the link that it had', async () => {
    const first = await dialled()
    await first.join(cluster, as(1))
    const second = await dialled()
    await second.join(cluster, as(1))
    expect(await first.refusal()).toBe('replaced')
    expect(connected()).toEqual([1])
  })

  it('is refused when it says nothing in time', async () => {
    const rogue = await dialled()
    expect(await rogue.refusal()).toBe('handshake_timeout')
  })

  it.each<[string, string, Uint8Array]>([
    ['garbage', 'oversized_frame', Buffer.from('GET / HTTP/1.1\r\n\r\n')],
    ['a frame that is no CBOR', 'malformed_frame', Buffer.from([0, 0, 0, 2, 0xff, 0xff])],
    ['a frame of 1025 bytes', 'oversized_frame', Buffer.from([0, 0, 4, 1])],
    ['another version', 'unsupported_version', Buffer.concat([Buffer.from([0, 0, 0, 3]), encode([0, 1])])],
    ['something else first', 'unexpected_frame', encodeFrame({ type: 'PING', at: 1 })],
  ])('is refused when it sends %s: %s', async (_, code, bytes) => {
    const rogue = await dialled()
    rogue.stream.write(bytes)
    expect(await rogue.refusal()).toBe(code)
  })

  it('is refused while too many introduce themselves from its address', async () => {
    const waiting = await Promise.all(Array.from({ length: 8 }, dialled))
    const rogue = await dialled()
    expect(await rogue.refusal()).toBe('busy')
    for (const each of waiting) each.close()
    await expect
      .poll(
        async () => {
          const late = await dialled()
          return Promise.race([late.join(cluster, as(1)).then(() => 'joined'), late.next('BYE').then(({ code }) => code)]).catch(String)
        },
        { timeout: 10_000 },
      )
      .toBe('joined')
  })

  it('is refused when the server is stopping', async () => {
    const rogue = await dialled()
    const [code] = await Promise.all([rogue.refusal(), cluster.server(SERVER).stop()])
    expect(code).toBe('stopping')
  })
})

describe('a peer that is dialled', () => {
  let http: Http2Server
  const received: Rogue[] = []

  /** Server 4 is played by the test, at its own endpoint. @returns `linked`, or the code with which it is refused */
  async function play(talk: (rogue: Rogue, hello: Extract<RelayFrame, { type: 'HELLO' }>) => Promise<void>): Promise<string> {
    http = createServer()
    const code = new Promise<string>((resolve, reject) => {
      http.once('stream', (stream) => {
        stream.respond({ ':status': 200 })
        const rogue = new Rogue(stream)
        received.push(rogue)
        const run = async () => {
          await talk(rogue, await rogue.next('HELLO'))
          const frame = await rogue.next('BYE', 'STATE')
          return frame.type === 'STATE' ? 'linked' : frame.code
        }
        run().then(resolve, reject)
      })
    })
    await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve))
    const endpoint = `http://127.0.0.1:${(http.address() as AddressInfo).port}`
    const { keyX, keyY, keyId } = cluster.server(2).key
    cluster.registry.set([cluster.server(SERVER).entry, { ...cluster.server(2).entry, id: 4, keyX, keyY, keyId, endpoint }])
    return code
  }
  afterEach(async () => {
    cluster.registry.set([cluster.server(SERVER).entry])
    for (const rogue of received.splice(0)) rogue.close()
    await new Promise((resolve) => http.close(resolve))
  })

  const answer = async (rogue: Rogue, hello: Extract<RelayFrame, { type: 'HELLO' }>, changes: { from?: number; signer?: number } = {}) => {
    const { chainId, serverRegistry, neighborhood, nonce: diallerNonce } = hello
    const nonce = new Uint8Array(32).fill(7)
    const place = { chainId, serverRegistry, neighborhood, dialler: SERVER, acceptor: 4 }
    const handshake: Handshake = { ...place, diallerNonce, acceptorNonce: nonce, channelBinding: new Uint8Array() }
    const signature = await cluster.server(changes.signer ?? 2).key.sign(handshakeBytes('acceptor', handshake))
    rogue.send({ type: 'WELCOME', from: changes.from ?? 4, nonce, signature })
    const verdict = await rogue.next('AUTH', 'BYE')
    if (verdict.type === 'AUTH') rogue.send({ type: 'TOKEN', token: new Uint8Array(16) })
    else rogue.heard.unshift(verdict)
  }

  it('is believed with its registered key', async () => {
    expect(await play((rogue, hello) => answer(rogue, hello))).toBe('linked')
    expect(connected()).toEqual([4])
  })

  it('gets its token back on a second stream of the same session, and long answers there', async () => {
    const { store } = cluster.server(SERVER)
    for (let n = 1; n <= 20; n++) await store.replicate({ kind: 'gone', coordinate: { server: 2, incarnation: 5, n: 2 * n }, from: 2 * n })
    let second: Promise<ServerHttp2Stream> | undefined
    let first: unknown
    const linked = await play(async (rogue, hello) => {
      second = new Promise((resolve) => http.once('stream', resolve))
      first = rogue.stream
      await answer(rogue, hello)
    })
    expect(linked).toBe('linked')
    const stream = await second
    if (!stream) throw new Error('There was no second stream')
    stream.respond({ ':status': 200 })
    const bulk = new Rogue(stream)
    received.push(bulk)
    expect(await bulk.next('BULK')).toEqual({ type: 'BULK', token: new Uint8Array(16) })
    expect(stream.session).toBe((first as ServerHttp2Stream).session)
    received[0]?.send({ type: 'PULL', ticket: 3, server: 2, incarnation: 5, from: 1, to: 40 })
    expect((await bulk.next('BATCH')).entries).toHaveLength(20)
  })

  it('is refused with another key', async () => {
    expect(await play((rogue, hello) => answer(rogue, hello, { signer: 1 }))).toBe('invalid_signature')
    expect(connected()).toEqual([])
  })

  it('is refused when it is another server', async () => {
    expect(await play((rogue, hello) => answer(rogue, hello, { from: 5 }))).toBe('wrong_server')
    expect(connected()).toEqual([])
  })
})
