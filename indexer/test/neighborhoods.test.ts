import { neighborhoodRegistryAbi } from '@dred/contracts'
import { serverKeyId } from '@dred/protocol/statements'
import { getAddress, keccak256, stringToBytes, zeroAddress, zeroHash } from 'viem'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createNeighborhood, parametersOf, STAKE, type Wallet } from '../../test/fixtures/chain.ts'
import { eventsOf, expectNeighborhoodOfChain } from './chain-views.ts'
import { type IndexedChain, type Item, startIndexedChain } from './fixture.ts'

const DAY = 86_400

let indexed: IndexedChain
let neighborhoods: { address: `0x${string}`; abi: typeof neighborhoodRegistryAbi }
let wallets: [Wallet, Wallet, Wallet]

beforeAll(async () => {
  indexed = await startIndexedChain(async () => undefined)
  const { chain, registries } = indexed
  neighborhoods = { address: registries.neighborhoodRegistry, abi: neighborhoodRegistryAbi }
  wallets = [chain.wallet(0), chain.wallet(1), chain.wallet(2)]
}, 90_000)

afterAll(() => indexed?.close(), 30_000)

const address = (wallet: Wallet) => getAddress(wallet.account.address)
const kinds = (history: Item[]) => history.map(({ kind }) => kind)

async function show(path: string): Promise<Item> {
  await indexed.caughtUp()
  const { body } = await indexed.get(path)
  return body.neighborhood
}

async function pass(seconds: number): Promise<void> {
  await indexed.chain.clock.increaseTime({ seconds })
  await indexed.chain.clock.mine({ blocks: 1 })
}

/** Parameters as the API gives them. */
function parametersJson(changes: object = {}) {
  const { stakeToken, ...rest } = parametersOf(indexed.registries)
  return { ...rest, stakeToken: getAddress(stakeToken), minStake: String(STAKE), attestation: 'appointed', ...changes }
}

test('a neighborhood is complete from its creation, whatever its name is made of', async () => {
  const [owner, guardian, operator] = wallets
  const name = 'tab\t newline\n quote" \\backslash \\N ✓ nul\0.'
  const attesters = [{ account: address(operator), keyId: serverKeyId(indexed.registries.attester.keyX, indexed.registries.attester.keyY) }]
  const neighborhood = {
    name,
    uri: '',
    contentHash: zeroHash,
    parameters: { ...parametersOf(indexed.registries), attestation: 1 },
    admission: { mode: 2, gateToken: indexed.registries.stakeToken, gateBalance: 5n },
    guardian: address(guardian),
    attesters,
  }
  await owner.writeContract({ ...neighborhoods, functionName: 'create', args: [neighborhood] })
  const shown = await show('/v1/neighborhoods/1')
  const gate = { mode: 'token_gate', gateToken: getAddress(indexed.registries.stakeToken), gateBalance: '5' }
  const appointed = [{ number: 1, ...attesters[0] }]
  expect(shown).toMatchObject({
    // PostgreSQL keeps no NUL in a text.
    name: name.replace('\0', ''),
    parameters: parametersJson({ attestation: 'peers' }),
    staged: null,
    admission: gate,
    guardian: address(guardian),
    registrationsPaused: false,
    attestation: { mode: 'peers', version: 1, attesters: appointed, round: null },
    seatsTaken: 0,
  })
  const history = await indexed.all('/v1/neighborhoods/1/history')
  expect(history).toMatchObject([
    { kind: 'created', details: { owner: address(owner), name, parameters: parametersJson({ attestation: 'peers' }) } },
    { kind: 'admission_changed', details: { admission: gate } },
    { kind: 'guardian_changed', details: { guardian: address(guardian) } },
    { kind: 'attesters_appointed', details: { version: 1, attesters: appointed } },
  ])
})

test('parameters are staged, cancelled, staged again and applied', async () => {
  const owner = wallets[0]
  await createNeighborhood(owner, indexed.registries)
  const next = { ...parametersOf(indexed.registries), minStake: STAKE - 1n, redundancy: 3, attestation: 1 }
  const nextJson = parametersJson({ minStake: String(STAKE - 1n), redundancy: 3, attestation: 'peers' })
  await owner.writeContract({ ...neighborhoods, functionName: 'stageParameters', args: [2, { ...next, slashPercent: 99 }] })
  const first = Number((await owner.getBlock()).timestamp) + DAY
  expect((await show('/v1/neighborhoods/2')).staged).toEqual({ parameters: { ...nextJson, slashPercent: 99 }, effectiveAt: first })
  await owner.writeContract({ ...neighborhoods, functionName: 'cancelStagedParameters', args: [2] })
  expect((await show('/v1/neighborhoods/2')).staged).toBeNull()

  await owner.writeContract({ ...neighborhoods, functionName: 'stageParameters', args: [2, next] })
  const effectiveAt = Number((await owner.getBlock()).timestamp) + DAY
  await pass(DAY)
  expect(await show('/v1/neighborhoods/2')).toMatchObject({ parameters: parametersJson(), staged: { parameters: nextJson, effectiveAt } })
  await owner.writeContract({ ...neighborhoods, functionName: 'applyParameters', args: [2] })
  expect(await show('/v1/neighborhoods/2')).toMatchObject({
    parameters: nextJson,
    staged: null,
    attestation: { mode: 'peers' },
  })
  const history = await indexed.all('/v1/neighborhoods/2/history')
  expect(history.slice(2)).toMatchObject([
    { kind: 'parameters_staged', details: { parameters: { slashPercent: 99 }, effectiveAt: first } },
    { kind: 'staged_parameters_cancelled', details: {} },
    { kind: 'parameters_staged', details: { parameters: nextJson, effectiveAt } },
    { kind: 'parameters_applied', details: { parameters: nextJson } },
  ])
})

test('what takes effect at once: ownership, admission, the list, guardian, pauses, attesters', async () => {
  const [owner, heir, operator] = wallets
  await owner.writeContract({ ...neighborhoods, functionName: 'pauseRegistrations', args: [0] })
  await createNeighborhood(owner, indexed.registries)
  expect(await show('/v1/neighborhoods/3')).toMatchObject({ registrationsPaused: true, pendingOwner: null })
  await owner.writeContract({ ...neighborhoods, functionName: 'pauseRegistrations', args: [3] })
  await owner.writeContract({ ...neighborhoods, functionName: 'resumeRegistrations', args: [0] })
  expect((await show('/v1/neighborhoods/3')).registrationsPaused).toBe(true)
  expect((await show('/v1/neighborhoods/2')).registrationsPaused).toBe(false)
  await owner.writeContract({ ...neighborhoods, functionName: 'resumeRegistrations', args: [3] })

  await owner.writeContract({ ...neighborhoods, functionName: 'transferOwnership', args: [3, address(heir)] })
  expect((await show('/v1/neighborhoods/3')).pendingOwner).toBe(address(heir))
  await owner.writeContract({ ...neighborhoods, functionName: 'transferOwnership', args: [3, zeroAddress] })
  expect((await show('/v1/neighborhoods/3')).pendingOwner).toBeNull()
  await owner.writeContract({ ...neighborhoods, functionName: 'transferOwnership', args: [3, address(heir)] })
  await heir.writeContract({ ...neighborhoods, functionName: 'acceptOwnership', args: [3] })
  const contentHash = keccak256(stringToBytes('new'))
  await heir.writeContract({ ...neighborhoods, functionName: 'updateMetadata', args: [3, 'Chess', 'https://chess.example/', contentHash] })
  const allowlist = { mode: 1, gateToken: zeroAddress, gateBalance: 0n }
  await heir.writeContract({ ...neighborhoods, functionName: 'setAdmission', args: [3, allowlist] })
  const [listed, both] = [address(operator), [address(operator), address(owner)]]
  await heir.writeContract({ ...neighborhoods, functionName: 'setAllowed', args: [3, both, true] })
  await heir.writeContract({ ...neighborhoods, functionName: 'setAllowed', args: [3, [listed], true] })
  await heir.writeContract({ ...neighborhoods, functionName: 'setAllowed', args: [3, [address(owner)], false] })
  await heir.writeContract({ ...neighborhoods, functionName: 'setGuardian', args: [3, address(operator)] })
  await heir.writeContract({ ...neighborhoods, functionName: 'setGuardian', args: [3, zeroAddress] })
  await heir.writeContract({ ...neighborhoods, functionName: 'appointAttesters', args: [3, []] })
  expect(await show('/v1/neighborhoods/3')).toMatchObject({
    owner: address(heir),
    pendingOwner: null,
    name: 'Chess',
    contentHash,
    admission: { mode: 'allowlist', gateToken: null, gateBalance: null },
    guardian: null,
    registrationsPaused: false,
    attestation: { version: 2, attesters: [] },
  })
  const { allowedOperators } = await indexed.query('{ allowedOperators { items { neighborhood operator } } }')
  expect(allowedOperators.items).toEqual([{ neighborhood: 3, operator: listed.toLowerCase() }])
  const history = await indexed.all('/v1/neighborhoods/3/history')
  expect(kinds(history).join(' ')).toBe(
    'created attesters_appointed registrations_paused registrations_resumed registrations_resumed ' +
      'ownership_offered ownership_offered ownership_offered ownership_transferred metadata_updated admission_changed ' +
      'operator_allowed operator_allowed operator_allowed operator_allowed guardian_changed guardian_changed attesters_appointed',
  )
  // The first of them paused everything before this neighborhood was there.
  expect(history.filter(({ kind }) => kind.startsWith('registrations')).map(({ details }) => details.everywhere)).toEqual([
    false,
    true,
    false,
  ])
  const [offer, withdrawn] = history.filter(({ kind }) => kind === 'ownership_offered')
  expect([offer.details, withdrawn.details]).toEqual([{ newOwner: address(heir) }, { newOwner: null }])
})

test('every event of the registry happened and is in a history', async () => {
  await indexed.caughtUp()
  const events = await eventsOf(indexed, 'neighborhoodRegistry')
  expect(new Set(events)).toEqual(new Set(neighborhoodRegistryAbi.flatMap((item) => (item.type === 'event' ? [item.name] : []))))
  const { neighborhoodChanges } = await indexed.query('{ neighborhoodChanges { totalCount } }')
  expect(neighborhoodChanges.totalCount).toBe(events.length)
})

test('what the API says of a neighborhood is what the registries say', async () => {
  await indexed.caughtUp()
  const { body } = await indexed.get('/v1/neighborhoods')
  expect(body.items).toHaveLength(3)
  for (const item of body.items) await expectNeighborhoodOfChain(indexed, item)
})
