import { serverRegistryAbi } from '@dred/contracts'
import { type Address, encodeEventTopics, type Hex, numberToHex, parseEventLogs, type PublicClient, type RpcLog } from 'viem'
import { formatLog } from 'viem/utils'
import type { RegisteredServer } from './port.ts'

const EVENTS = ['ServerRegistered', 'EndpointChanged', 'ExitRequested', 'Withdrawn'] as const
const TOPICS = EVENTS.flatMap((eventName) => encodeEventTopics({ abi: serverRegistryAbi, eventName }).slice(0, 1))

export type RegistryLog = ReturnType<typeof parse>[number]

function parse(logs: RpcLog[]) {
  return parseEventLogs({ abi: serverRegistryAbi, eventName: [...EVENTS], logs: logs.map((log) => formatLog(log)) })
}

export interface LogRange {
  serverRegistry: Address
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

/** The active servers after one more event. */
export function applyRegistryLog(servers: Map<number, RegisteredServer>, log: RegistryLog): void {
  switch (log.eventName) {
    case 'ServerRegistered': {
      const { id, operator, keyId, keyX, keyY, endpoint, did } = log.args
      servers.set(id, { id, operator: lowercase(operator), keyId: lowercase(keyId), keyX, keyY, endpoint, did })
      return
    }
    case 'EndpointChanged': {
      const server = servers.get(log.args.id)
      if (server) servers.set(server.id, { ...server, endpoint: log.args.endpoint })
      return
    }
    case 'ExitRequested':
    case 'Withdrawn':
      servers.delete(log.args.id)
      return
  }
}

/** Addresses are compared and shown in lowercase throughout. */
function lowercase(address: Address): Address {
  return address.toLowerCase() as Address
}
