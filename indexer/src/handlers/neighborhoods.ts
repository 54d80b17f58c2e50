import { ponder } from 'ponder:registry'
import { neighborhood } from 'ponder:schema'

ponder.on('NeighborhoodRegistry:NeighborhoodCreated', async ({ event, context }) => {
  const { id, owner, name, uri, contentHash, parameters } = event.args
  const createdAtBlock = Number(event.block.number)
  await context.db.insert(neighborhood).values({ id, owner, name, uri, contentHash, createdAtBlock, activeServers: 0, ...parameters })
})

ponder.on('NeighborhoodRegistry:MetadataUpdated', async ({ event, context }) => {
  const { id, name, uri, contentHash } = event.args
  await context.db.update(neighborhood, { id }).set({ name, uri, contentHash })
})

ponder.on('NeighborhoodRegistry:OwnershipTransferred', async ({ event, context }) => {
  const { id, newOwner } = event.args
  await context.db.update(neighborhood, { id }).set({ owner: newOwner })
})
