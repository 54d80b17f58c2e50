import { type Context, ponder } from 'ponder:registry'
import { burn, neighborhood, server, serverKey } from 'ponder:schema'
import { account, accountOrNull, lower } from './details.ts'
import { attestedEndpoint, indexed, type ServerRow } from './lookup.ts'
import { originOf, recordServer } from './record.ts'

ponder.on('ServerRegistry:ServerRegistered', async ({ event, context }) => {
  const { id, operator, payout, keyX, keyY, endpoint, did, stake } = event.args
  const keyId = lower(event.args.keyId)
  const registeredAtBlock = Number(event.block.number)
  const after = await context.db.insert(server).values({ ...event.args, keyId, status: 'pending', registeredAtBlock })
  await context.db.insert(serverKey).values({ keyId, id: event.id, server: id, keyX, keyY, sinceBlock: registeredAtBlock })
  const details = { operator: account(operator), payout: account(payout), keyId, endpoint, did, stake: String(stake) }
  await recordServer(context, event, { after, kind: 'registered', details })
})

ponder.on('ServerRegistry:StakeAdded', async ({ event, context }) => {
  const { id, stake, from, amount } = event.args
  const after = await context.db.update(server, { id }).set({ stake })
  await recordServer(context, event, { after, kind: 'stake_added', details: { from: account(from), amount: String(amount) } })
})

ponder.on('ServerRegistry:EndpointChanged', async ({ event, context }) => {
  const { id, endpoint } = event.args
  const after = await context.db.update(server, { id }).set({ endpoint, proposedEndpoint: null })
  await recordServer(context, event, { after, kind: 'endpoint_changed', details: { endpoint } })
})

ponder.on('ServerRegistry:EndpointProposed', async ({ event, context }) => {
  const { id } = event.args
  const { endpoint } = indexed(await context.db.find(server, { id }), `server ${id}`)
  // The present endpoint withdraws the proposal.
  const proposedEndpoint = event.args.endpoint === endpoint ? null : event.args.endpoint
  const after = await context.db.update(server, { id }).set({ proposedEndpoint })
  await recordServer(context, event, { after, kind: 'endpoint_proposed', details: { proposedEndpoint } })
})

ponder.on('ServerRegistry:DidChanged', async ({ event, context }) => {
  const { id, did } = event.args
  const after = await context.db.update(server, { id }).set({ did })
  await recordServer(context, event, { after, kind: 'did_changed', details: { did } })
})

ponder.on('ServerRegistry:KeyRotated', async ({ event, context }) => {
  const { id, keyX, keyY, acceptedUntil } = event.args
  const [keyId, oldKeyId] = [lower(event.args.keyId), lower(event.args.oldKeyId)]
  await context.db.update(serverKey, { keyId: oldKeyId }).set({ acceptedUntil })
  await context.db.insert(serverKey).values({ keyId, id: event.id, server: id, keyX, keyY, sinceBlock: Number(event.block.number) })
  const after = await context.db.update(server, { id }).set({ keyId, keyX, keyY })
  await recordServer(context, event, { after, kind: 'key_rotated', details: { keyId, oldKeyId, acceptedUntil } })
})

ponder.on('ServerRegistry:PayoutProposed', async ({ event, context }) => {
  const { id } = event.args
  const newPayout = accountOrNull(event.args.newPayout)
  const after = await context.db.update(server, { id }).set({ pendingPayout: newPayout })
  await recordServer(context, event, { after, kind: 'payout_proposed', details: { newPayout } })
})

ponder.on('ServerRegistry:PayoutChanged', async ({ event, context }) => {
  const { id, payout } = event.args
  const after = await context.db.update(server, { id }).set({ payout, pendingPayout: null })
  await recordServer(context, event, { after, kind: 'payout_changed', details: { payout: account(payout) } })
})

ponder.on('ServerRegistry:ServerAttested', async ({ event, context }) => {
  const { id, neighborhood: neighborhoodId, endpointHash, validUntil } = event.args
  const before = indexed(await context.db.find(server, { id }), `server ${id}`)
  const { endpoint, moved } = attestedEndpoint(before, endpointHash)
  const activated = before.status === 'pending'
  const proposedEndpoint = moved ? null : before.proposedEndpoint
  const after = await context.db.update(server, { id }).set({ status: 'active', validUntil, endpoint, proposedEndpoint })
  if (activated) await moveSeats(context, before, 1)
  // Attestations count in the latest round only.
  const { latestRound } = indexed(await context.db.find(neighborhood, { id: neighborhoodId }), `neighborhood ${neighborhoodId}`)
  const details = { round: latestRound, endpoint, validUntil, activated, moved }
  await recordServer(context, event, { after, kind: 'attested', details })
})

ponder.on('ServerRegistry:ServerLapsed', async ({ event, context }) => {
  const after = await leave(context, event.args.id, () => ({ status: 'pending' }))
  await recordServer(context, event, { after, kind: 'lapsed', details: {} })
})

ponder.on('ServerRegistry:ExitRequested', async ({ event, context }) => {
  const { id, neighborhood: neighborhoodId, unlockAt } = event.args
  const { slashPercent } = indexed(await context.db.find(neighborhood, { id: neighborhoodId }), `neighborhood ${neighborhoodId}`)
  const after = await leave(context, id, () => ({ status: 'exiting', unlockAt, slashPercent }))
  await recordServer(context, event, { after, kind: 'exit_requested', details: { unlockAt, slashPercent } })
})

ponder.on('ServerRegistry:Withdrawn', async ({ event, context }) => {
  const { id, payout, amount } = event.args
  const after = await context.db.update(server, { id }).set(({ status }) => ({
    // What is left after a slash is withdrawn too, but slashed is for ever.
    status: status === 'slashed' ? status : 'withdrawn',
    stake: 0n,
  }))
  await recordServer(context, event, { after, kind: 'withdrawn', details: { payout: account(payout), amount: String(amount) } })
})

ponder.on('ServerRegistry:ServerSlashed', async ({ event, context }) => {
  const { id, neighborhood: neighborhoodId, reporter, position, reward, burned, stake, unlockAt } = event.args
  const terms = indexed(await context.db.find(neighborhood, { id: neighborhoodId }), `neighborhood ${neighborhoodId}`)
  const after = await leave(context, id, (before) => ({
    status: 'slashed',
    stake,
    unlockAt,
    // An exit fixed it before.
    slashPercent: before.slashPercent ?? terms.slashPercent,
    slashReporter: reporter,
    slashPosition: position,
    slashReward: reward,
    slashBurned: burned,
  }))
  const slashPercent = after.slashPercent ?? terms.slashPercent
  const details = { reporter: account(reporter), position, reward: String(reward), burned: String(burned), slashPercent, unlockAt }
  await recordServer(context, event, { after, kind: 'slashed', details })
})

ponder.on('ServerRegistry:Burned', async ({ event, context }) => {
  const { token, amount } = event.args
  await context.db.insert(burn).values({ ...originOf(event), token, amount })
})

/** Takes a server out of the active set, if it is in it. */
async function leave(context: Context, id: number, changes: (before: ServerRow) => Partial<ServerRow>): Promise<ServerRow> {
  const before = indexed(await context.db.find(server, { id }), `server ${id}`)
  if (before.status === 'active') await moveSeats(context, before, -1)
  return context.db.update(server, { id }).set(changes(before))
}

async function moveSeats(context: Context, of: ServerRow, difference: 1 | -1): Promise<void> {
  await context.db.update(neighborhood, { id: of.neighborhood }).set(({ seatsTaken }) => ({ seatsTaken: seatsTaken + difference }))
}
