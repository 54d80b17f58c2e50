import { neighborhoodRegistryAbi, serverRegistryAbi } from '@dred/contracts'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { createNeighborhood, parametersOf, requestExit, rotateKey, setEndpoint } from '../../../test/fixtures/chain.ts'
import { eventually } from '../testing/eventually.ts'
import { findOwnServer } from './registry-view.ts'
import { RegistryHarness } from './testing/harness.ts'

let harness: RegistryHarness

beforeEach(async () => {
  harness = await RegistryHarness.start()
})
afterEach(() => harness.close())

const A = 'https://a.example'
const HOUR = 3_600
const DAY = 86_400
const ids = (servers: readonly { id: number }[]) => servers.map(({ id }) => id)
/** Polls: the view follows the chain by itself. */

const operator = () => harness.chain.wallet(0)
const servers = () => ({ address: harness.registries.serverRegistry, abi: serverRegistryAbi }) as const
const withdraw = (id: number) => operator().writeContract({ ...servers(), functionName: 'withdraw', args: [id] })

it('follows a server through its life', async () => {
  const view = await harness.open()
  await harness.register(0, A)
  await harness.attest(1, A, HOUR)
  await eventually(() => ids(view.attested())).toEqual([1])
  expect(view.server(1)).toMatchObject({ status: 'active' })
  expect(Math.abs((view.server(1)?.validUntil ?? 0) - view.now() - HOUR)).toBeLessThan(60)

  await harness.later(HOUR + 60)
  await operator().writeContract({ ...servers(), functionName: 'lapse', args: [1] })
  await eventually(() => view.server(1)?.status).toBe('pending')
  expect(ids(view.attested())).toEqual([])
  // An attester that stops does not stop replication.
  expect(ids(view.peers())).toEqual([1])

  await harness.attest(1, A)
  await eventually(() => ids(view.attested())).toEqual([1])
  await requestExit(operator(), harness.registries, 1)
  await eventually(() => view.server(1)?.status).toBe('exiting')
  expect([ids(view.peers()), ids(view.attested())]).toEqual([[], []])
  await harness.later(DAY)
  await withdraw(1)
  await eventually(() => view.server(1)?.status).toBe('withdrawn')
})

it('sees an attestation end by the time alone, on its own clock or the chain', async () => {
  let aheadMs = 0
  const view = await harness.open({ clock: () => Date.now() + aheadMs })
  await harness.register(0, A)
  await harness.attest(1, A, HOUR)
  await eventually(() => ids(view.attested())).toEqual([1])
  const told: number[][] = []
  view.onChange(() => told.push(ids(view.attested())))
  aheadMs = 2 * HOUR * 1_000
  expect(ids(view.attested())).toEqual([])
  await eventually(() => told).toEqual([[]])
  aheadMs = 0
  await eventually(() => told).toEqual([[], [1]])
  await harness.later(HOUR + 60)
  await eventually(() => told).toEqual([[], [1], []])
  expect(view.server(1)?.status).toBe('active')
})

it('knows where an active server wants to move, and when it has', async () => {
  const view = await harness.open()
  await harness.register(0, A)
  await harness.attest(1, A)
  const move = (endpoint: string) => setEndpoint(operator(), harness.registries, { id: 1, endpoint })
  await move('https://b.example')
  await eventually(() => view.server(1)).toMatchObject({ endpoint: A, proposedEndpoint: 'https://b.example' })
  // The present endpoint takes the proposal back.
  await move(A)
  await eventually(() => view.server(1)).toMatchObject({ endpoint: A, proposedEndpoint: undefined })
  await move('https://c.example')
  await eventually(() => view.server(1)).toMatchObject({ proposedEndpoint: 'https://c.example' })
  // A renewal at the present endpoint leaves the proposal.
  await harness.attest(1, A, 2 * DAY)
  const block = await harness.head()
  await eventually(() => view.freshness().block).toBe(block)
  expect(view.server(1)).toMatchObject({ endpoint: A, proposedEndpoint: 'https://c.example' })
  await harness.attest(1, 'https://c.example')
  await eventually(() => view.server(1)).toMatchObject({ endpoint: 'https://c.example', proposedEndpoint: undefined, status: 'active' })
})

it('knows former keys, and tells when they end', async () => {
  const view = await harness.open()
  await harness.register(0, A)
  const [first, second, third] = [harness.key(0), harness.key(1), harness.key(2)]
  await rotateKey(operator(), harness.registries, { id: 1, key: second, overlapSeconds: 600 })
  const { keyX, keyY, keyId } = first
  await eventually(() => view.server(1)).toMatchObject({ keyId: second.keyId, keyX: second.keyX, keyY: second.keyY })
  expect(view.server(1)?.formerKeys).toMatchObject([{ keyX, keyY, keyId }])
  expect(findOwnServer(view, keyId)?.id).toBe(1)
  await rotateKey(operator(), harness.registries, { id: 1, key: third, overlapSeconds: 0 })
  await eventually(() => view.server(1)?.formerKeys.map((former) => former.keyId)).toEqual([second.keyId, keyId])
  const [ended, overlapping] = view.server(1)?.formerKeys ?? []
  // Without an overlap a key is not accepted in the very second of the rotation.
  expect(ended?.acceptedUntil).toBeLessThan(view.now())
  expect(overlapping?.acceptedUntil).toBeGreaterThan(view.now() + 500)
  let told = 0
  view.onChange(() => told++)
  await harness.later(700)
  await eventually(() => told).toBe(1)
})

it('follows DIDs', async () => {
  const view = await harness.open()
  await harness.register(0, A)
  await operator().writeContract({ ...servers(), functionName: 'setDid', args: [1, 'did:web:another.example'] })
  await expect.poll(() => view.server(1)?.did, { timeout: 10_000 }).toBe('did:web:another.example')
})

it('reads the parameters again when they change', async () => {
  const view = await harness.open()
  await createNeighborhood(operator(), harness.registries)
  const registry = { address: harness.registries.neighborhoodRegistry, abi: neighborhoodRegistryAbi } as const
  const stage = (id: number, maxMessageBytes: number) =>
    operator().writeContract({
      ...registry,
      functionName: 'stageParameters',
      args: [id, { ...parametersOf(harness.registries), maxMessageBytes }],
    })
  await stage(1, 32_768)
  await stage(2, 2_048)
  await harness.later(DAY)
  const apply = (id: number) => operator().writeContract({ ...registry, functionName: 'applyParameters', args: [id] })
  // Those of another neighborhood are of no interest.
  await apply(2)
  const block = await harness.head()
  await eventually(() => view.freshness().block).toBe(block)
  expect(view.parameters.maxMessageBytes).toBe(65_536)
  await apply(1)
  await eventually(() => view.parameters.maxMessageBytes).toBe(32_768)
})

it('knows who was slashed, also after the rest was paid out', async () => {
  const view = await harness.open()
  await harness.register(0, A)
  await harness.attest(1, A)
  await eventually(() => ids(view.peers())).toEqual([1])
  await harness.slash(1, harness.key(0))
  await eventually(() => view.server(1)?.status).toBe('slashed')
  expect(ids(view.peers())).toEqual([])
  await harness.later(DAY)
  await withdraw(1)
  const block = await harness.head()
  await eventually(() => view.freshness().block).toBe(block)
  expect(view.server(1)?.status).toBe('slashed')
})
