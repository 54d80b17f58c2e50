import { neighborhoodRegistryAbi, serverRegistryAbi } from '@dred/contracts'
import { type Address, zeroAddress } from 'viem'
import type { Deployed } from './chain.ts'
import type { NeighborhoodView } from './discovery.ts'
import type { Admission, Parameters } from './neighborhoods.ts'

export const attestationModes = ['appointed', 'peers'] as const
export const admissionModes = ['open', 'allowlist', 'token_gate'] as const

/** Neighborhoods as the chain itself has them. @param id all when left out */
export async function neighborhoodsOnChain(deployed: Deployed, id?: number): Promise<NeighborhoodView[]> {
  const { client, neighborhoodRegistry: address, startBlock: fromBlock } = deployed
  const filter = { address, abi: neighborhoodRegistryAbi, fromBlock, toBlock: 'latest', strict: true } as const
  const args = id === undefined ? {} : { id }
  const [created, updated] = await Promise.all([
    client.getContractEvents({ ...filter, eventName: 'NeighborhoodCreated', args }),
    client.getContractEvents({ ...filter, eventName: 'MetadataUpdated', args }),
  ])
  return Promise.all(
    created.map(async (event) => {
      const newest = updated.findLast((update) => update.args.id === event.args.id)
      const { name, uri, contentHash } = newest?.args ?? event.args
      const metadata = { name, uri, contentHash, createdAtBlock: Number(event.blockNumber) }
      return { id: String(event.args.id), ...metadata, ...(await readState(deployed, event.args.id)) }
    }),
  )
}

/** What storage says of a neighborhood now. */
async function readState({ client, neighborhoodRegistry, serverRegistry }: Deployed, id: number) {
  const call = { address: neighborhoodRegistry, abi: neighborhoodRegistryAbi, args: [id] } as const
  const page = { address: serverRegistry, abi: serverRegistryAbi, functionName: 'serversOf', args: [id, 0n, 0n] } as const
  const [owner, pendingOwner, parameters, [staged, effectiveAt], admission, guardian, paused, [version, attesters], servers] =
    await Promise.all([
      client.readContract({ ...call, functionName: 'ownerOf' }),
      client.readContract({ ...call, functionName: 'pendingOwnerOf' }),
      client.readContract({ ...call, functionName: 'parametersOf' }),
      client.readContract({ ...call, functionName: 'stagedParametersOf' }),
      client.readContract({ ...call, functionName: 'admissionOf' }),
      client.readContract({ ...call, functionName: 'guardianOf' }),
      client.readContract({ ...call, functionName: 'registrationsPaused' }),
      client.readContract({ ...call, functionName: 'attestersOf' }),
      client.readContract(page),
    ])
  return {
    owner,
    pendingOwner: orNull(pendingOwner),
    parameters: parametersView(parameters),
    staged: effectiveAt === 0 ? null : { parameters: parametersView(staged), effectiveAt },
    admission: admissionView(admission),
    guardian: orNull(guardian),
    registrationsPaused: paused,
    attestation: {
      mode: attestationModes[parameters.attestation] ?? 'appointed',
      version,
      attesters: attesters.map(({ account, keyId }, index) => ({ number: index + 1, account, keyId: keyId.toLowerCase() })),
    },
    activeServers: servers.active,
    healthy: servers.healthy,
  }
}

export function parametersView({ minStake, attestation, ...parameters }: Parameters): NeighborhoodView['parameters'] {
  return { ...parameters, minStake: String(minStake), attestation: attestationModes[attestation] ?? 'appointed' }
}

export function admissionView({ mode, gateToken, gateBalance }: Admission): NeighborhoodView['admission'] {
  const name = admissionModes[mode] ?? 'open'
  return {
    mode: name,
    gateToken: name === 'token_gate' ? gateToken : null,
    gateBalance: name === 'token_gate' ? String(gateBalance) : null,
  }
}

function orNull(account: Address): Address | null {
  return account === zeroAddress ? null : account
}
