import { neighborhoodRegistryAbi, serverRegistryAbi } from '@dred/contracts'
import { endpointHash } from '@dred/protocol/statements'
import { type Address, encodeEventTopics, type Hex, numberToHex, parseEventLogs, type PublicClient, type RpcLog } from 'viem'
import { formatLog } from 'viem/utils'
import type { RegisteredServer } from './port.ts'

const EVENTS = [
  'ServerRegistered',
  'ServerAttested',
  'ServerLapsed',
  'EndpointChanged',
  'EndpointProposed',
  'DidChanged',
  'KeyRotated',
  'ExitRequested',
  'Withdrawn',
  'ServerSlashed',
] as const
const TOPICS = EVENTS.flatMap((eventName) => encodeEventTopics({ abi: serverRegistryAbi, eventName }).slice(0, 1))
const APPLIED_TOPICS = encodeEventTopics({ abi: neighborhoodRegistryAbi, eventName: 'ParametersApplied' })

export type RegistryLog = ReturnType<typeof parse>[number]

function parse(logs: RpcLog[]) {
  return parseEventLogs({ abi: serverRegistryAbi, eventName: [...EVENTS], logs: logs.map((log) => formatLog(log)) })
}

export interface LogRange {
  serverRegistry: Address
  neighborhoodRegistry: Address
  neighborhood: number
  /** Blocks, both included. */
  from: bigint
  to: bigint
}

/** The membership events of one neighborhood in the order in which they happened. */
export async function readRegistryLogs(client: PublicClient, { serverRegistry, neighborhood, from, to }: LogRange): Promise<RegistryLog[]> {
  const topics = [TOPICS as Hex[], null, numberToHex(neighborhood, { size: 32 })]
  const filter = { address: serverRegistry, topics, fromBlock: numberToHex(from), toBlock: numberToHex(to) }
  return parse(await client.request({ method: 'eth_getLogs', params: [filter] }))
}

/** Whether parameters of the neighborhood took effect. */
export async function wereParametersApplied(client: PublicClient, range: LogRange): Promise<boolean> {
  const topics = [APPLIED_TOPICS[0] ?? null, numberToHex(range.neighborhood, { size: 32 })]
  const blocks = { fromBlock: numberToHex(range.from), toBlock: numberToHex(range.to) }
  const logs = await client.request({ method: 'eth_getLogs', params: [{ address: range.neighborhoodRegistry, topics, ...blocks }] })
  return logs.length > 0
}

/** The servers after one more event. */
export function applyRegistryLog(servers: Map<number, RegisteredServer>, log: RegistryLog): void {
  if (log.eventName === 'ServerRegistered') {
    const { id, operator, keyId, keyX, keyY, endpoint, did } = log.args
    const present = { keyX, keyY, keyId: lowercase(keyId) }
    const life = { status: 'pending', validUntil: 0, formerKeys: [], proposedEndpoint: undefined } as const
    servers.set(id, { id, operator: lowercase(operator), endpoint, did, ...present, ...life })
    return
  }
  const server = servers.get(log.args.id)
  if (server) servers.set(server.id, { ...server, ...changes(server, log) })
}

function changes(server: RegisteredServer, log: Exclude<RegistryLog, { eventName: 'ServerRegistered' }>): Partial<RegisteredServer> {
  switch (log.eventName) {
    case 'ServerAttested': {
      const { endpointHash: attested, validUntil } = log.args
      const { proposedEndpoint } = server
      const moves = proposedEndpoint !== undefined && attested === endpointHash(proposedEndpoint)
      return { status: 'active', validUntil, ...(moves ? { endpoint: proposedEndpoint, proposedEndpoint: undefined } : {}) }
    }
    case 'ServerLapsed':
      return { status: 'pending' }
    case 'EndpointChanged':
      return { endpoint: log.args.endpoint, proposedEndpoint: undefined }
    case 'EndpointProposed': {
      const { endpoint } = log.args
      return { proposedEndpoint: endpoint === server.endpoint ? undefined : endpoint }
    }
    case 'DidChanged':
      return { did: log.args.did }
    case 'KeyRotated': {
      const { keyId, keyX, keyY, acceptedUntil } = log.args
      const former = { keyX: server.keyX, keyY: server.keyY, keyId: server.keyId, acceptedUntil }
      return { keyX, keyY, keyId: lowercase(keyId), formerKeys: [former, ...server.formerKeys] }
    }
    case 'ExitRequested':
      return { status: 'exiting' }
    case 'Withdrawn':
      return server.status === 'slashed' ? {} : { status: 'withdrawn' }
    case 'ServerSlashed':
      return { status: 'slashed' }
  }
}

/** Addresses are compared and shown in lowercase throughout. */
function lowercase(address: Address): Address {
  return address.toLowerCase() as Address
}
