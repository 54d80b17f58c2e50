import { type Context, type Event, ponder } from 'ponder:registry'
import { neighborhood, server, serverChange } from 'ponder:schema'

type ServerEvent = Event<`ServerRegistry:${'ServerRegistered' | 'StakeAdded' | 'EndpointChanged' | 'ExitRequested' | 'Withdrawn'}`>
type Change = Pick<typeof serverChange.$inferInsert, 'kind' | 'stake' | 'endpoint'>

/** Adds to the server's history; `stake` and `endpoint` are those after the change. */
async function record(context: Context, event: ServerEvent, change: Change) {
  await context.db.insert(serverChange).values({
    id: event.id,
    server: event.args.id,
    block: Number(event.block.number),
    timestamp: Number(event.block.timestamp),
    transaction: event.transaction.hash,
    ...change,
  })
}

ponder.on('ServerRegistry:ServerRegistered', async ({ event, context }) => {
  const registeredAtBlock = Number(event.block.number)
  await context.db.insert(server).values({ ...event.args, status: 'active', unlockAt: null, registeredAtBlock })
  await context.db.update(neighborhood, { id: event.args.neighborhood }).set(({ activeServers }) => ({ activeServers: activeServers + 1 }))
  await record(context, event, { kind: 'registered', stake: event.args.stake, endpoint: event.args.endpoint })
})

ponder.on('ServerRegistry:StakeAdded', async ({ event, context }) => {
  const { id, stake } = event.args
  const { endpoint } = await context.db.update(server, { id }).set({ stake })
  await record(context, event, { kind: 'stake_added', stake, endpoint })
})

ponder.on('ServerRegistry:EndpointChanged', async ({ event, context }) => {
  const { id, endpoint } = event.args
  const { stake } = await context.db.update(server, { id }).set({ endpoint })
  await record(context, event, { kind: 'endpoint_changed', stake, endpoint })
})

ponder.on('ServerRegistry:ExitRequested', async ({ event, context }) => {
  const { id, unlockAt } = event.args
  const { stake, endpoint } = await context.db.update(server, { id }).set({ status: 'exiting', unlockAt })
  await context.db.update(neighborhood, { id: event.args.neighborhood }).set(({ activeServers }) => ({ activeServers: activeServers - 1 }))
  await record(context, event, { kind: 'exit_requested', stake, endpoint })
})

ponder.on('ServerRegistry:Withdrawn', async ({ event, context }) => {
  const { id } = event.args
  const { endpoint } = await context.db.update(server, { id }).set({ status: 'withdrawn', stake: 0n })
  await record(context, event, { kind: 'withdrawn', stake: 0n, endpoint })
})
