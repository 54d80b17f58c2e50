import type { Context } from 'ponder:registry'
import { neighborhoodChange, type server, serverChange } from 'ponder:schema'
import type { Hex } from 'viem'
import type { NeighborhoodChangeDetails, ServerChangeDetails } from './details.ts'

/** What every event has, whatever it says. */
type Origin = { id: string; block: { number: bigint; timestamp: bigint }; transaction: { hash: Hex } }

/** The columns that say where an event is on the chain. */
export function originOf({ id, block, transaction }: Origin) {
  return { id, block: Number(block.number), timestamp: Number(block.timestamp), transaction: transaction.hash }
}

type NeighborhoodEntry<Kind extends keyof NeighborhoodChangeDetails> = {
  neighborhood: number
  kind: Kind
  details: NeighborhoodChangeDetails[Kind]
}

/** Adds to a neighborhood's history. */
export async function recordNeighborhood<Kind extends keyof NeighborhoodChangeDetails>(
  context: Context,
  event: Origin,
  entry: NeighborhoodEntry<Kind>,
): Promise<void> {
  await context.db.insert(neighborhoodChange).values({ ...originOf(event), ...entry })
}

type ServerEntry<Kind extends keyof ServerChangeDetails> = {
  /** The server after the change. */
  after: typeof server.$inferSelect
  kind: Kind
  details: ServerChangeDetails[Kind]
}

/** Adds to a server's history. */
export async function recordServer<Kind extends keyof ServerChangeDetails>(
  context: Context,
  event: Origin,
  { after, kind, details }: ServerEntry<Kind>,
): Promise<void> {
  const { id: serverId, status, stake, endpoint } = after
  await context.db.insert(serverChange).values({ ...originOf(event), server: serverId, kind, details, status, stake, endpoint })
}
