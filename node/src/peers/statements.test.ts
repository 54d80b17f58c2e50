import { relayHeadStatement, signatureWords, verifyStatement } from '@dred/protocol/statements'
import { afterEach, expect, it } from 'vitest'
import type { ServerKey } from '../chain/server-key.ts'
import { eventually } from '../testing/eventually.ts'
import { Stage } from './testing/stage.ts'

let stage: Stage
afterEach(() => stage.close())

const counters = () => stage.server.replicator.statistics().counters

function preimage(of: { server: number; incarnation: number; n: number; head: Uint8Array }) {
  const head = `0x${Buffer.from(of.head).toString('hex')}` as const
  return relayHeadStatement(stage.cluster.registry, { server: of.server, incarnation: BigInt(of.incarnation), n: BigInt(of.n), head })
}

/** A head of the rogue, as its HEAD frame. */
async function headOf(n: number, fill: number, key: ServerKey) {
  const head = { server: Stage.rogue, incarnation: Stage.incarnation, n, head: new Uint8Array(32).fill(fill) }
  return { type: 'HEAD' as const, ...head, signature: await key.sign(preimage(head)) }
}

it('signs heads of what clients handed to this server', async () => {
  stage = await Stage.set()
  const rogue = await stage.joined()
  await stage.server.take(await stage.cluster.message('counted'))
  const head = await rogue.next('HEAD')
  expect(head).toMatchObject({ server: Stage.server, incarnation: stage.server.incarnation, n: 1 })
  expect(await verifyStatement(stage.server.key, preimage(head), signatureWords(head.signature))).toBe(true)
})

it('keeps two histories that one server signed, as evidence that anybody can check', async () => {
  const errors: Record<string, object>[] = []
  const nothing = () => undefined
  const log = { debug: nothing, info: nothing, warn: nothing, error: (fields: object) => errors.push({ ...fields }) }
  stage = await Stage.set({}, { replicator: { log } })
  const rogue = await stage.joined()
  const { key } = stage.cluster.server(Stage.rogue)
  const [first, second] = [await headOf(7, 1, key), await headOf(7, 2, key)]
  for (const head of [first, first, second]) rogue.send(head)
  await eventually(() => counters().forks).toBe(1)
  const hex = (bytes: Uint8Array) => `0x${Buffer.from(bytes).toString('hex')}`
  const evidence = ({ server, incarnation, n, head, signature }: typeof first) => ({
    server,
    incarnation,
    n,
    head: hex(head),
    signature: hex(signature),
  })
  expect(errors).toEqual([{ first: evidence(first), second: evidence(second) }])
})

it('believes no head that its server did not sign', async () => {
  stage = await Stage.set()
  const rogue = await stage.joined()
  const { key } = stage.cluster.server(2)
  for (const head of [await headOf(7, 1, key), await headOf(7, 2, key)]) rogue.send(head)
  await eventually(() => counters().invalid).toBe(2)
  expect(counters().forks).toBe(0)
})

it('believes the former key of a server until its overlap ends', async () => {
  stage = await Stage.set()
  const { cluster } = stage
  const former = cluster.server(Stage.rogue)
  const { keyX, keyY, keyId } = await cluster.key('present')
  const acceptedUntil = cluster.registry.time() + 3_600
  const rotated = { ...former.entry, keyX, keyY, keyId, formerKeys: [{ ...former.key, acceptedUntil }] }
  // Another server passes on what the one that rotated has signed.
  const passing = { ...stage.introduction, from: 2, key: cluster.server(2).key }
  cluster.registry.set([rotated, cluster.server(2).entry, stage.server.entry])
  const rogue = await stage.dialled()
  await rogue.join(cluster, passing)
  for (const fill of [1, 2]) rogue.send(await headOf(1, fill, former.key))
  await eventually(() => counters().forks).toBe(1)

  cluster.registry.time = () => acceptedUntil + 1
  for (const fill of [1, 2]) rogue.send(await headOf(2, fill, former.key))
  await eventually(() => counters().invalid).toBe(2)
  expect(counters().forks).toBe(1)
})

it('gives receipts for what came first from a peer, and keeps theirs', async () => {
  stage = await Stage.set()
  const { cluster, server } = stage
  await cluster.server(1).start()
  await eventually(() => server.replicator.connected()).toEqual([1])
  await server.take(await cluster.message('stored and signed for'))
  await eventually(() => server.replicator.statistics().receipts.get(1)).toMatchObject({
    server: 1,
    sender: Stage.server,
    items: [{ server: Stage.server, incarnation: server.incarnation, upTo: 1, count: 1 }],
  })
  expect(counters().invalid).toBe(0)
})
