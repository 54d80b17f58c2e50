import { complianceRegistryAbi, neighborhoodRegistryAbi, serverRegistryAbi } from '@dred/contracts'
import { type Address, getAddress, keccak256, parseEventLogs, stringToBytes, zeroAddress, zeroHash } from 'viem'
import { expect } from 'vitest'
import type { IndexedChain, Item } from './fixture.ts'

const accountOrNull = (address: Address) => (address === zeroAddress ? null : getAddress(address))
const hashOf = (endpoint: string) => keccak256(stringToBytes(endpoint))

/** Names of all events that a registry emitted, in their order. */
export async function eventsOf(
  { chain, registries }: IndexedChain,
  registry: 'neighborhoodRegistry' | 'serverRegistry' | 'complianceRegistry',
) {
  const abi = [...neighborhoodRegistryAbi, ...serverRegistryAbi, ...complianceRegistryAbi]
  const logs = await chain.clock.getLogs({ address: registries[registry], fromBlock: 0n, toBlock: 'latest' })
  return parseEventLogs({ abi, logs }).map(({ eventName }) => eventName)
}

/** Compares a neighborhood of the API with what the registries' views say now. */
export async function expectNeighborhoodOfChain({ chain, registries }: IndexedChain, item: Item): Promise<void> {
  const id = Number(item.id)
  const neighborhoods = { address: registries.neighborhoodRegistry, abi: neighborhoodRegistryAbi, args: [id] } as const
  const servers = { address: registries.serverRegistry, abi: serverRegistryAbi, args: [id] } as const
  const read = chain.clock.readContract
  const parameters = await read({ ...neighborhoods, functionName: 'parametersOf' })
  const [staged, effectiveAt] = await read({ ...neighborhoods, functionName: 'stagedParametersOf' })
  const admission = await read({ ...neighborhoods, functionName: 'admissionOf' })
  const [version, attesters] = await read({ ...neighborhoods, functionName: 'attestersOf' })
  const { address, abi } = { address: registries.complianceRegistry, abi: complianceRegistryAbi }
  const round = await read({ address, abi, functionName: 'roundOf', args: [id] })
  const peers = await read({ address, abi, functionName: 'peersOf', args: [id] })
  const seats = await read({ ...servers, functionName: 'activeCount' })
  const [active] = await read({ ...servers, functionName: 'activeServersOf' })
  const modes = ['appointed', 'peers']
  const json = (of: typeof parameters) => ({
    ...of,
    stakeToken: getAddress(of.stakeToken),
    minStake: String(of.minStake),
    attestation: modes[of.attestation],
  })
  const gate = accountOrNull(admission.gateToken)
  expect(item).toMatchObject({
    owner: getAddress(await read({ ...neighborhoods, functionName: 'ownerOf' })),
    pendingOwner: accountOrNull(await read({ ...neighborhoods, functionName: 'pendingOwnerOf' })),
    parameters: json(parameters),
    staged: effectiveAt === 0 ? null : { parameters: json(staged), effectiveAt },
    admission: {
      mode: ['open', 'allowlist', 'token_gate'][admission.mode],
      gateToken: gate,
      gateBalance: gate === null ? null : String(admission.gateBalance),
    },
    guardian: accountOrNull(await read({ ...neighborhoods, functionName: 'guardianOf' })),
    registrationsPaused: await read({ ...neighborhoods, functionName: 'registrationsPaused' }),
    attestation: {
      mode: modes[parameters.attestation],
      version,
      attesters: attesters.map(({ account, keyId }, index) => ({
        number: index + 1,
        account: getAddress(account),
        keyId: keyId.toLowerCase(),
      })),
      round:
        round.number === 0
          ? null
          : { ...round, mode: modes[round.mode], attesterSet: round.mode === 1 ? null : round.attesterSet, peers: [...peers] },
    },
    seatsTaken: seats,
    activeServers: active.length,
    healthy: await read({ ...servers, functionName: 'isHealthy' }),
  })
}

/** Compares a server of the API with what the registry's views say now. */
export async function expectServerOfChain({ chain, registries, all }: IndexedChain, item: Item): Promise<void> {
  const registry = { address: registries.serverRegistry, abi: serverRegistryAbi } as const
  const read = chain.clock.readContract
  const server = await read({ ...registry, functionName: 'serverOf', args: [item.id] })
  const proposal = await read({ ...registry, functionName: 'endpointProposalOf', args: [item.id] })
  const payout = await read({ ...registry, functionName: 'pendingPayoutOf', args: [item.id] })
  const { timestamp } = await chain.clock.getBlock()
  const status = ['none', 'pending', 'active', 'exiting', 'withdrawn', 'slashed'][server.status]
  const orNull = (value: number) => (value === 0 ? null : value)
  expect(item).toMatchObject({
    neighborhood: String(server.neighborhood),
    operator: getAddress(server.operator),
    payout: getAddress(server.payout),
    pendingPayout: accountOrNull(payout),
    keyId: server.keyId.toLowerCase(),
    stake: String(server.stake),
    status: status === 'active' && timestamp > server.validUntil ? 'lapsed' : status,
    validUntil: orNull(server.validUntil),
    unlockAt: orNull(server.unlockAt),
    slashPercent: orNull(server.slashPercent),
  })
  expect(hashOf(item.endpoint)).toBe(server.endpointHash)
  expect(item.proposedEndpoint === null ? zeroHash : hashOf(item.proposedEndpoint)).toBe(proposal.endpointHash)
  const keys = await all(`/v1/servers/${item.id}/keys`)
  for (const { keyId, acceptedUntil } of keys) {
    const key = await read({ ...registry, functionName: 'keyOf', args: [keyId] })
    expect(key).toEqual({ server: item.id, acceptedUntil: acceptedUntil ?? 2 ** 40 - 1 })
  }
  expect(keys.at(-1)).toMatchObject({ keyId: item.keyId, keyX: item.keyX, keyY: item.keyY, acceptedUntil: null })
}
