import { complianceRegistryAbi, neighborhoodRegistryAbi, serverRegistryAbi } from '@dred/contracts'
import { createConfig } from 'ponder'
import { LOCAL_CHAIN_ID, parseEnvironment } from './environment.ts'
import { endWithSupervisor } from './supervised.ts'

endWithSupervisor()

const environment = parseEnvironment(process.env)
const { chainId, rpcUrl, startBlock, database } = environment
const local = chainId === LOCAL_CHAIN_ID

export default createConfig({
  ordering: 'multichain',
  database: database.kind === 'postgres' ? { kind: 'postgres', connectionString: database.url } : database,
  chains: {
    chain: {
      id: chainId,
      rpc: rpcUrl,
      // A subscription delivers nothing on a chain that is quiet, as local ones are; Ponder would then never reach their tip.
      ...(!local && /^wss?:/.test(rpcUrl) ? { ws: rpcUrl } : {}),
      pollingInterval: local ? 200 : 1_000,
      // What was fetched from a local chain belongs to no other, however much the next one looks like it.
      disableCache: local,
    },
  },
  contracts: {
    NeighborhoodRegistry: { abi: neighborhoodRegistryAbi, chain: 'chain', address: environment.neighborhoodRegistry, startBlock },
    ComplianceRegistry: { abi: complianceRegistryAbi, chain: 'chain', address: environment.complianceRegistry, startBlock },
    ServerRegistry: { abi: serverRegistryAbi, chain: 'chain', address: environment.serverRegistry, startBlock },
  },
  blocks: {
    // Every block from the tip on, so that the data names the block it stands at even when that block has no event of ours.
    // Older blocks are not worth a request each: the data is not served before the tip is reached.
    Head: { chain: 'chain', interval: 1, startBlock: 'latest' },
  },
})
