// The chain on which the benchmark's servers are registered, a process of its own. Arguments: a folder for the keys, an endpoint for each server.
// Its first line on stdout says where it listens and what is deployed.
import { join } from 'node:path'
import { createServerKeyFile } from '@dred/node'
import { attestServer, createNeighborhood, deploy, registerServer, startChain } from '../../test/fixtures/chain.ts'

const [folder = '.', ...endpoints] = process.argv.slice(2)
const chain = await startChain()
const registries = await deploy(chain)
const operator = chain.wallet(0)
await createNeighborhood(operator, registries)
for (const [index, endpoint] of endpoints.entries()) {
  const key = await createServerKeyFile(join(folder, `server-${index}.pem`))
  await registerServer(operator, registries, { neighborhood: 1, endpoint, key })
  await attestServer(operator, registries, { id: index + 1, neighborhood: 1, endpoint })
}
const { chainId, startBlock, serverRegistry, neighborhoodRegistry } = registries
process.stdout.write(`${JSON.stringify({ rpcUrl: chain.rpcUrl, chainId, startBlock, serverRegistry, neighborhoodRegistry })}\n`)
process.stdin.resume().once('end', () => process.exit())
