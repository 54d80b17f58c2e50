import { complianceRegistryAbi, devTokenAbi, neighborhoodRegistryAbi, serverRegistryAbi } from '@dred/contracts'
import { attestationStatement, endpointHash, serverKeyId, signStatement } from '@dred/protocol/statements'
import { getAddress, keccak256, stringToBytes } from 'viem'
import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  attestServer,
  createNeighborhood,
  newKey,
  parametersOf,
  registerServer,
  requestExit,
  rotateKey,
  setEndpoint,
  type SigningKey,
  STAKE,
  type Wallet,
} from '../../test/fixtures/chain.ts'
import { eventsOf, expectNeighborhoodOfChain, expectServerOfChain } from './chain-views.ts'
import { equivocation } from './equivocation.ts'
import { type IndexedChain, type Item, startIndexedChain } from './fixture.ts'

const DAY = 86_400
const HOUR = 3_600

let indexed: IndexedChain
let neighborhoods: { address: `0x${string}`; abi: typeof neighborhoodRegistryAbi }
let servers: { address: `0x${string}`; abi: typeof serverRegistryAbi }
let compliance: { address: `0x${string}`; abi: typeof complianceRegistryAbi }
let wallets: [Wallet, Wallet, Wallet, Wallet]

beforeAll(async () => {
  indexed = await startIndexedChain(async () => undefined)
  const { chain, registries } = indexed
  neighborhoods = { address: registries.neighborhoodRegistry, abi: neighborhoodRegistryAbi }
  servers = { address: registries.serverRegistry, abi: serverRegistryAbi }
  compliance = { address: registries.complianceRegistry, abi: complianceRegistryAbi }
  wallets = [chain.wallet(0), chain.wallet(1), chain.wallet(2), chain.wallet(3)]
}, 90_000)

afterAll(() => indexed?.close(), 30_000)

const address = (wallet: Wallet) => getAddress(wallet.account.address)
const kinds = (history: Item[]) => history.map(({ kind }) => kind)

async function show(path: string): Promise<Item> {
  await indexed.caughtUp()
  const { body } = await indexed.get(path)
  return body.neighborhood ?? body.server ?? body
}

async function pass(seconds: number): Promise<void> {
  await indexed.chain.clock.increaseTime({ seconds })
  await indexed.chain.clock.mine({ blocks: 1 })
}

test('a server is pending, active, lapsed, pending again, moves and leaves', async () => {
  const [owner, operator, cold] = wallets
  await createNeighborhood(owner, indexed.registries)
  const neighborhood = 1
  const [one, two, three] = ['https://one.example', 'https://two.example', 'https://three.example']
  const registered = await registerServer(operator, indexed.registries, { neighborhood, endpoint: one })
  expect(await show('/v1/servers/1')).toEqual({
    id: 1,
    neighborhood: '1',
    operator: address(operator),
    payout: address(operator),
    pendingPayout: null,
    keyId: registered.keyId,
    keyX: registered.keyX,
    keyY: registered.keyY,
    endpoint: one,
    proposedEndpoint: null,
    did: 'did:web:operator.example',
    stake: String(STAKE),
    status: 'pending',
    validUntil: null,
    unlockAt: null,
    slashPercent: null,
    slash: null,
    registeredAtBlock: Number((await operator.getTransactionReceipt({ hash: registered.hash })).blockNumber),
  })
  await setEndpoint(operator, indexed.registries, { id: 1, endpoint: two })
  await operator.writeContract({ ...servers, functionName: 'setDid', args: [1, 'did:web:other.example'] })
  expect(await show('/v1/servers/1')).toMatchObject({ endpoint: two, proposedEndpoint: null, did: 'did:web:other.example' })

  await attestServer(owner, indexed.registries, { id: 1, neighborhood, endpoint: two, seconds: HOUR })
  const { status, validUntil } = await show('/v1/servers/1')
  expect(status).toBe('active')
  expect(await show('/v1/neighborhoods/1')).toMatchObject({ seatsTaken: 1, activeServers: 1, healthy: false })
  const endpoints = { one, three }
  for (const endpoint of [one, two, three]) await setEndpoint(operator, indexed.registries, { id: 1, endpoint })
  expect(await show('/v1/servers/1')).toMatchObject({ endpoint: two, proposedEndpoint: endpoints.three })

  const key = await newKey()
  await rotateKey(operator, indexed.registries, { id: 1, key, overlapSeconds: HOUR })
  const acceptedUntil = Number((await operator.getBlock()).timestamp) + HOUR
  const keyId = serverKeyId(key.keyX, key.keyY)
  expect(await show('/v1/servers/1')).toMatchObject({ keyId, keyX: key.keyX, keyY: key.keyY })
  expect(await indexed.all('/v1/servers/1/keys')).toMatchObject([
    { keyId: registered.keyId, keyX: registered.keyX, acceptedUntil },
    { keyId, keyX: key.keyX, acceptedUntil: null },
  ])
  const ids = async (wanted: string) => (await indexed.all(`/v1/neighborhoods/1/servers${wanted}`)).map(({ id }) => id)
  expect([await ids(''), await ids('?status=active'), await ids('?status=lapsed')]).toEqual([[1], [1], []])

  await pass(HOUR + 1)
  // Nothing happened on chain but time.
  expect(await show('/v1/servers/1')).toMatchObject({ status: 'lapsed', validUntil })
  expect([await ids(''), await ids('?status=lapsed'), await ids('?status=all')]).toEqual([[], [1], [1]])
  expect(await show('/v1/neighborhoods/1')).toMatchObject({ seatsTaken: 1, activeServers: 0 })
  await cold.writeContract({ ...compliance, functionName: 'prune', args: [[1]] })
  expect(await show('/v1/servers/1')).toMatchObject({ status: 'pending', validUntil, proposedEndpoint: three })
  expect(await show('/v1/neighborhoods/1')).toMatchObject({ seatsTaken: 0, activeServers: 0 })

  await attestServer(owner, indexed.registries, { id: 1, neighborhood, endpoint: three })
  expect(await show('/v1/servers/1')).toMatchObject({ status: 'active', endpoint: three, proposedEndpoint: null })
  await setEndpoint(operator, indexed.registries, { id: 1, endpoint: one })
  await attestServer(owner, indexed.registries, { id: 1, neighborhood, endpoint: one, seconds: DAY })
  expect(await show('/v1/servers/1')).toMatchObject({ status: 'active', endpoint: one, proposedEndpoint: null })
  const voted = { number: 1, account: getAddress(indexed.registries.complianceRegistry) }
  expect(await indexed.all('/v1/servers/1/attestations')).toMatchObject([
    { round: 2, mode: 'appointed', endpoint: one, endpointHash: endpointHash(one), attesters: [voted] },
    { round: 2, mode: 'appointed', endpoint: three, endpointHash: endpointHash(three), attesters: [voted] },
    { round: 1, mode: 'appointed', endpoint: two, endpointHash: endpointHash(two), validUntil, attesters: [voted] },
  ])

  const token = { address: indexed.registries.stakeToken, abi: devTokenAbi } as const
  await cold.writeContract({ ...token, functionName: 'mint', args: [address(cold), 7n] })
  await cold.writeContract({ ...token, functionName: 'approve', args: [servers.address, 7n] })
  await cold.writeContract({ ...servers, functionName: 'addStake', args: [1, 7n] })
  await operator.writeContract({ ...servers, functionName: 'proposePayout', args: [1, address(cold)] })
  expect(await show('/v1/servers/1')).toMatchObject({ stake: String(STAKE + 7n), pendingPayout: address(cold), payout: address(operator) })
  await cold.writeContract({ ...servers, functionName: 'acceptPayout', args: [1] })
  await requestExit(operator, indexed.registries, 1)
  const unlockAt = Number((await operator.getBlock()).timestamp) + DAY
  expect(await show('/v1/servers/1')).toMatchObject({
    status: 'exiting',
    unlockAt,
    slashPercent: 50,
    pendingPayout: null,
    payout: address(cold),
  })
  expect([await ids('?status=exiting'), (await show('/v1/neighborhoods/1')).seatsTaken]).toEqual([[1], 0])
  await pass(DAY)
  await cold.writeContract({ ...servers, functionName: 'withdraw', args: [1] })
  expect(await show('/v1/servers/1')).toMatchObject({ status: 'withdrawn', stake: '0', unlockAt })

  const history = await indexed.all('/v1/servers/1/history')
  expect(kinds(history).join(' ')).toBe(
    'registered endpoint_changed did_changed attested endpoint_proposed endpoint_proposed endpoint_proposed key_rotated lapsed ' +
      'attested endpoint_proposed attested stake_added payout_proposed payout_changed exit_requested withdrawn',
  )
  expect(history.filter(({ kind }) => kind === 'attested').map(({ details, status: after }) => ({ ...details, after }))).toMatchObject([
    { round: 1, endpoint: two, validUntil, activated: true, moved: false, after: 'active' },
    { round: 2, endpoint: three, activated: true, moved: true, after: 'active' },
    { round: 2, endpoint: one, activated: false, moved: true, after: 'active' },
  ])
  const proposals = history.filter(({ kind }) => kind === 'endpoint_proposed').map(({ details }) => details.proposedEndpoint)
  expect(proposals).toEqual([one, null, three, one])
  const change = (kind: string) => history.find((item) => item.kind === kind)
  expect(change('key_rotated').details).toEqual({ keyId, oldKeyId: registered.keyId, acceptedUntil })
  expect(change('lapsed')).toMatchObject({ details: {}, status: 'pending', endpoint: two })
  expect(change('stake_added')).toMatchObject({ details: { from: address(cold), amount: '7' }, stake: String(STAKE + 7n) })
  expect(change('exit_requested')).toMatchObject({ details: { unlockAt, slashPercent: 50 }, status: 'exiting' })
  expect(change('withdrawn')).toMatchObject({ details: { payout: address(cold), amount: String(STAKE + 7n) }, stake: '0' })
})

test('a slash is told with its reporter, reward and rest, from an active server and from an exiting one', async () => {
  const [owner, operator, , reporter] = wallets
  const endpoints = ['https://four.example', 'https://five.example'] as const
  const keys = [await newKey(), await newKey()] as const
  for (const index of [0, 1] as const) {
    await registerServer(operator, indexed.registries, { neighborhood: 1, endpoint: endpoints[index], key: keys[index] })
    await attestServer(owner, indexed.registries, { id: 2 + index, neighborhood: 1, endpoint: endpoints[index] })
  }
  expect(await show('/v1/neighborhoods/1')).toMatchObject({ seatsTaken: 2, activeServers: 2, healthy: true })
  await requestExit(operator, indexed.registries, 3)
  const exit = (await show('/v1/servers/3')).unlockAt
  // What happens to the parameters afterwards does not concern an exit.
  const parameters = { ...parametersOf(indexed.registries), slashPercent: 80, unbondingSeconds: 2 * DAY }
  await owner.writeContract({ ...neighborhoods, functionName: 'stageParameters', args: [1, parameters] })
  await pass(DAY)
  await owner.writeContract({ ...neighborhoods, functionName: 'applyParameters', args: [1] })

  await reporter.writeContract({ ...servers, functionName: 'slashRelay', args: await equivocation(indexed.registries, 2, keys[0]) })
  const unlockAt = Number((await reporter.getBlock()).timestamp) + 2 * DAY
  await reporter.writeContract({ ...servers, functionName: 'slashRelay', args: await equivocation(indexed.registries, 3, keys[1]) })
  const position = expect.stringMatching(/^0x[0-9a-f]{64}$/)
  const [slashed, half] = [(STAKE * 80n) / 100n, STAKE / 2n]
  const slashOf = (amount: bigint) => ({
    reporter: address(reporter),
    position,
    reward: String(amount / 10n),
    burned: String(amount - amount / 10n),
  })
  expect(await show('/v1/servers/2')).toMatchObject({
    status: 'slashed',
    stake: String(STAKE - slashed),
    unlockAt,
    slashPercent: 80,
    slash: slashOf(slashed),
  })
  expect(await show('/v1/servers/3')).toMatchObject({
    status: 'slashed',
    stake: String(half),
    unlockAt: exit,
    slashPercent: 50,
    slash: slashOf(half),
  })
  expect(await show('/v1/neighborhoods/1')).toMatchObject({ seatsTaken: 0, activeServers: 0 })
  await operator.writeContract({ ...servers, functionName: 'withdraw', args: [3] })
  expect(await show('/v1/servers/3')).toMatchObject({ status: 'slashed', stake: '0' })
  const history = await indexed.all('/v1/servers/3/history')
  expect(kinds(history)).toEqual(['registered', 'attested', 'exit_requested', 'slashed', 'withdrawn'])
  expect(history[3]).toMatchObject({ details: { ...slashOf(half), slashPercent: 50, unlockAt: exit }, stake: String(half) })
  expect(history[4]).toMatchObject({ status: 'slashed', details: { amount: String(half) } })

  const token = indexed.registries.stakeToken
  await owner.writeContract({ ...servers, functionName: 'burn', args: [token] })
  await indexed.caughtUp()
  const { burns } = await indexed.query('{ burns { items { token amount } } }')
  expect(burns.items).toEqual([{ token: token.toLowerCase(), amount: String(((slashed + half) * 9n) / 10n) }])
  const listed = await indexed.all('/v1/neighborhoods/1/servers?status=slashed')
  expect(listed.map(({ id }) => id)).toEqual([2, 3])
})

test('peers attest once there are four operators', async () => {
  const owner = wallets[0]
  const { registries } = indexed
  await createNeighborhood(owner, registries)
  await owner.writeContract({
    ...neighborhoods,
    functionName: 'stageParameters',
    args: [2, { ...parametersOf(registries), attestation: 1 }],
  })
  await pass(DAY)
  await owner.writeContract({ ...neighborhoods, functionName: 'applyParameters', args: [2] })
  const peers: { id: number; endpoint: string; key: SigningKey }[] = []
  for (const [index, operator] of wallets.entries()) {
    const peer = { id: 4 + index, endpoint: `https://peer${index}.example`, key: await newKey() }
    await registerServer(operator, registries, { neighborhood: 2, ...peer })
    await attestServer(owner, registries, { ...peer, neighborhood: 2, seconds: 10 * DAY })
    peers.push(peer)
  }
  expect((await show('/v1/neighborhoods/2')).attestation).toMatchObject({ mode: 'peers', round: { mode: 'appointed', attesterSet: 1 } })
  await pass(HOUR + 1)
  await owner.writeContract({ ...compliance, functionName: 'openRound', args: [2] })
  const opensAt = Number((await owner.getBlock()).timestamp)
  const { attestation } = await show('/v1/neighborhoods/2')
  const round = {
    number: 2,
    mode: 'peers',
    eligible: 4,
    threshold: 3,
    attesterSet: null,
    peers: [4, 5, 6, 7],
    opensAt,
    closesAt: opensAt + HOUR,
  }
  expect(attestation.round).toEqual(round)
  expect((await indexed.all('/v1/neighborhoods/2/history')).at(-1)).toMatchObject({ kind: 'round_opened', details: round })

  const [subject, ...voters] = peers
  if (subject === undefined) throw new Error('There are four')
  const hashes = { spkiHash: keccak256(stringToBytes('spki')), reportHash: keccak256(stringToBytes('report')) }
  const finding = { neighborhood: 2, server: subject.id, round: 2, validUntil: opensAt + 20 * DAY, ...hashes }
  const votes = []
  for (const { id: attester, key } of voters) {
    const statement = attestationStatement(registries, { ...finding, attester, endpoint: subject.endpoint })
    votes.push({ attester, keyX: key.keyX, keyY: key.keyY, ...(await signStatement(key, statement)) })
  }
  const args = [{ ...finding, endpointHash: endpointHash(subject.endpoint) }, votes] as const
  await owner.writeContract({ ...compliance, functionName: 'attest', args })
  await indexed.caughtUp()
  const [latest] = await indexed.all(`/v1/servers/${subject.id}/attestations`)
  const attesters = voters.map(({ id }, index) => ({ number: id, account: address(wallets[index + 1] ?? owner) }))
  expect(latest).toMatchObject({ round: 2, mode: 'peers', ...hashes, validUntil: opensAt + 20 * DAY, attesters })
})

test('every event of the registries happened and is in a history', async () => {
  await indexed.caughtUp()
  const events = [...(await eventsOf(indexed, 'serverRegistry')), ...(await eventsOf(indexed, 'complianceRegistry'))]
  const abi = [...serverRegistryAbi, ...complianceRegistryAbi]
  // The domains are fixed: what announces a change of theirs is never emitted.
  const possible = abi.flatMap((item) => (item.type === 'event' && item.name !== 'EIP712DomainChanged' ? [item.name] : []))
  expect(new Set(events)).toEqual(new Set(possible))
  const counted = await indexed.query(
    '{ serverChanges { totalCount } attestations { totalCount } rounds { totalCount } burns { totalCount } }',
  )
  const total = Object.values<Item>(counted).reduce((sum, { totalCount }) => sum + totalCount, 0)
  expect(total).toBe(events.length)
})

test('what the API says of a server is what the registries say', async () => {
  await indexed.caughtUp()
  for (let id = 1; id <= 7; id++) await expectServerOfChain(indexed, await show(`/v1/servers/${id}`))
  for (const id of [1, 2]) await expectNeighborhoodOfChain(indexed, await show(`/v1/neighborhoods/${id}`))
})
