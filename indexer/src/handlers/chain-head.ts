import { ponder } from 'ponder:registry'
import { chainHead, registry } from 'ponder:schema'
import { parseEnvironment } from '../../environment.ts'
import { createChainReader } from '../../rpc.ts'

const environment = parseEnvironment(process.env)

ponder.on('NeighborhoodRegistry:setup', async ({ context }) => {
  const chain = createChainReader(environment.rpcUrl)
  const startHash = await chain.blockHash(environment.startBlock)
  await chain.close()
  if (startHash === null) throw new Error(`The chain has no block ${environment.startBlock}, where the registries should start`)
  await context.db.insert(chainHead).values({ id: 1, startHash })
  await context.db.insert(registry).values({ id: 1, registrationsPaused: false })
})

ponder.on('Head:block', async ({ event, context }) => {
  const { number, hash, timestamp } = event.block
  await context.db.update(chainHead, { id: 1 }).set({ number: Number(number), hash, timestamp: Number(timestamp) })
})
