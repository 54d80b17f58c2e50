import { serverRegistryAbi } from '@dred/contracts'
import { endpointHash } from '@dred/protocol/statements'
import { type ContractFunctionReturnType, type Hex, zeroHash } from 'viem'
import { CliError } from '../errors.ts'
import { chainTime, type Deployed } from './chain.ts'
import type { ServerView } from './discovery.ts'

/** A server as its registry holds it. */
export type ChainServer = ContractFunctionReturnType<typeof serverRegistryAbi, 'view', 'serverOf'>

const statuses = ['unregistered', 'pending', 'active', 'exiting', 'withdrawn', 'slashed'] as const
const PAGE = 64n

/** The stage of a server's life at a time (Unix seconds): an active one whose attestation has passed has lapsed. */
export function statusAt(server: Pick<ChainServer, 'status' | 'validUntil'>, now: number): string {
  const status = statuses[server.status] ?? 'unknown'
  return status === 'active' && server.validUntil < now ? 'lapsed' : status
}

/** Whether a server is bonded and has not left: only such a one can be attested, moved or given another key. */
export function isMember(server: Pick<ChainServer, 'status'>): boolean {
  return ['pending', 'active'].includes(statuses[server.status] ?? '')
}

/** Whether a proven equivocation would still cost a server some of its stake. */
export function isSlashable(server: Pick<ChainServer, 'status'>): boolean {
  return isMember(server) || statuses[server.status] === 'exiting'
}

export function unknownServer(id: number): CliError {
  return new CliError('reverted', 'unknown_server', `No server is registered as ${id}: see \`dred neighborhood show\` for the ids.`)
}

/** @throws CliError `unknown_server` */
export async function readServer({ client, serverRegistry: address }: Deployed, id: number): Promise<ChainServer> {
  const server = await client.readContract({ address, abi: serverRegistryAbi, functionName: 'serverOf', args: [id] })
  if (server.status === 0) throw unknownServer(id)
  return server
}

/** Until when (Unix seconds) a key is accepted for a server, if it is now: for a former key to the end of its overlap. */
export async function readFormerKey({ client, serverRegistry: address }: Deployed, id: number, keyId: Hex): Promise<number | undefined> {
  const call = { address, abi: serverRegistryAbi, functionName: 'keyOf', args: [keyId] } as const
  const [{ server, acceptedUntil }, now] = await Promise.all([client.readContract(call), chainTime(client)])
  return server === id && acceptedUntil >= now ? acceptedUntil : undefined
}

/** @returns the server whose key this is or was, undefined when it is nobody's */
export async function readServerOfKey({ client, serverRegistry: address }: Deployed, keyId: Hex): Promise<number | undefined> {
  const { server } = await client.readContract({ address, abi: serverRegistryAbi, functionName: 'keyOf', args: [keyId] })
  return server === 0 ? undefined : server
}

/** All servers that ever registered in a neighborhood, by id, oldest first. */
export async function readServers({ client, serverRegistry: address }: Deployed, neighborhood: number): Promise<Map<number, ChainServer>> {
  const found = new Map<number, ChainServer>()
  const count = BigInt(await client.readContract({ address, abi: serverRegistryAbi, functionName: 'serverCount', args: [neighborhood] }))
  for (let offset = 0n; offset < count; offset += PAGE) {
    const args = [neighborhood, offset, PAGE] as const
    const { ids, servers } = await client.readContract({ address, abi: serverRegistryAbi, functionName: 'serversOf', args })
    for (const [index, id] of ids.entries()) {
      const server = servers[index]
      if (server) found.set(id, server)
    }
  }
  return found
}

/**
 * The endpoints of a server: the present one, and the one that it wants to move to. The registry holds their hashes; the texts are in
 * events of the blocks it names.
 */
export async function readEndpoints(
  deployed: Deployed,
  id: number,
  server: ChainServer,
): Promise<{ present: string; proposed: string | undefined }> {
  const proposal = await proposalOf(deployed, id)
  const [present, proposed] = await Promise.all([
    endpointText(deployed, id, server),
    proposal.endpointBlock === 0 ? undefined : endpointText(deployed, id, proposal),
  ])
  return { present, proposed }
}

function proposalOf({ client, serverRegistry: address }: Deployed, id: number): Promise<{ endpointHash: Hex; endpointBlock: number }> {
  return client.readContract({ address, abi: serverRegistryAbi, functionName: 'endpointProposalOf', args: [id] })
}

async function endpointText(
  { client, serverRegistry: address }: Deployed,
  id: number,
  { endpointHash: hash, endpointBlock }: { endpointHash: Hex; endpointBlock: number },
): Promise<string> {
  const block = BigInt(endpointBlock)
  const logs = await client.getContractEvents({ address, abi: serverRegistryAbi, fromBlock: block, toBlock: block, strict: true })
  for (const log of logs) {
    const said =
      log.eventName === 'ServerRegistered' || log.eventName === 'EndpointChanged' || log.eventName === 'EndpointProposed'
        ? log.args
        : undefined
    if (said?.id === id && endpointHash(said.endpoint) === hash) return said.endpoint
  }
  throw new CliError(
    'failure',
    'endpoint_missing',
    `Block ${block} does not tell the endpoint of server ${id}: ask a chain node that keeps events.`,
  )
}

/** Servers of a neighborhood, of any status, as the chain itself has them. */
export async function serversOnChain(deployed: Deployed, neighborhood: number): Promise<ServerView[]> {
  const { client, serverRegistry: address, startBlock: fromBlock } = deployed
  const filter = { address, abi: serverRegistryAbi, fromBlock, toBlock: 'latest', strict: true, args: { neighborhood } } as const
  const [servers, now, registered, moved, proposed, renamed] = await Promise.all([
    readServers(deployed, neighborhood),
    chainTime(client),
    client.getContractEvents({ ...filter, eventName: 'ServerRegistered' }),
    client.getContractEvents({ ...filter, eventName: 'EndpointChanged' }),
    client.getContractEvents({ ...filter, eventName: 'EndpointProposed' }),
    client.getContractEvents({ ...filter, eventName: 'DidChanged' }),
  ])
  const wanted = await Promise.all([...servers.keys()].map((id) => proposalOf(deployed, id)))
  const proposals = new Map([...servers.keys()].map((id, index) => [id, wanted[index]?.endpointHash]))
  const texts = new Map([...registered, ...moved, ...proposed].map(({ args: { endpoint } }) => [endpointHash(endpoint), endpoint]))
  return registered.flatMap(({ args, blockNumber }) => {
    const server = servers.get(args.id)
    if (!server) return []
    return [
      {
        id: args.id,
        neighborhood: String(neighborhood),
        operator: server.operator,
        payout: server.payout,
        keyId: server.keyId.toLowerCase(),
        endpoint: texts.get(server.endpointHash) ?? args.endpoint,
        proposedEndpoint: texts.get(proposals.get(args.id) ?? zeroHash) ?? null,
        did: renamed.findLast((event) => event.args.id === args.id)?.args.did ?? args.did,
        stake: String(server.stake),
        status: statusAt(server, now),
        validUntil: server.validUntil === 0 ? null : server.validUntil,
        unlockAt: server.unlockAt === 0 ? null : server.unlockAt,
        registeredAtBlock: Number(blockNumber),
      },
    ]
  })
}
