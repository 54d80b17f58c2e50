import { and, asc, eq, gt, ilike, type ReadonlyDrizzle, sql } from 'ponder'
import * as schema from '../../ponder.schema.ts'
import type { StatusFilter } from './parameters.ts'
import { type Mark, readSnapshot, type Snapshot } from './snapshot.ts'

export type NeighborhoodRow = typeof schema.neighborhood.$inferSelect
export type ServerRow = typeof schema.server.$inferSelect
export type ServerChangeRow = typeof schema.serverChange.$inferSelect

/** `after` is the position of a cursor; at most `limit` rows come back. */
export type Page = { after: string | undefined; limit: number }

/** What the routes read. Lists are in the order of their positions: ids, or for changes Ponder's event ids. */
export interface DiscoveryStore {
  /** See {@link readSnapshot}. */
  snapshot<T>(read: () => Promise<T>): Promise<Snapshot<T>>
  neighborhood(id: number): Promise<NeighborhoodRow | undefined>
  neighborhoods(query: Page & { name: string | undefined }): Promise<NeighborhoodRow[]>
  server(id: number): Promise<ServerRow | undefined>
  servers(query: Page & { neighborhood: number; status: StatusFilter }): Promise<ServerRow[]>
  changes(query: Page & { server: number }): Promise<ServerChangeRow[]>
}

type Database = ReadonlyDrizzle<typeof schema>

/** Digits of the block number in Ponder's checkpoints: after 10 of the timestamp and 16 of the chain id. */
const BLOCK_DIGITS = { from: 26, to: 42 } as const

async function readMark(db: Database): Promise<Mark | null> {
  const { rows } = await db.execute(sql`
    SELECT m.value ->> 'is_ready' AS ready, c.latest_checkpoint AS checkpoint, h.number, h.hash, h.start_hash
    FROM _ponder_meta m, _ponder_checkpoint c, chain_head h WHERE m.key = 'app'`)
  const row = rows[0]
  if (row === undefined) return null
  const { number, hash } = row
  return {
    backfilled: row.ready === '1',
    committed: Number(String(row.checkpoint).slice(BLOCK_DIGITS.from, BLOCK_DIGITS.to)),
    head: number === null ? null : { number: Number(number), hash: hash as `0x${string}` },
    startHash: row.start_hash as `0x${string}`,
  }
}

const escapeLike = (text: string) => text.replace(/[\\%_]/g, (character) => `\\${character}`)

export function createStore(db: Database): DiscoveryStore {
  const { neighborhood, server, serverChange } = schema
  return {
    snapshot: (read) => readSnapshot(() => readMark(db), read),

    neighborhood: async (id) => (await db.select().from(neighborhood).where(eq(neighborhood.id, id)))[0],

    neighborhoods: ({ after, limit, name }) =>
      db
        .select()
        .from(neighborhood)
        .where(
          and(
            after === undefined ? undefined : gt(neighborhood.id, Number(after)),
            name === undefined ? undefined : ilike(neighborhood.name, `%${escapeLike(name)}%`),
          ),
        )
        .orderBy(asc(neighborhood.id))
        .limit(limit),

    server: async (id) => (await db.select().from(server).where(eq(server.id, id)))[0],

    servers: ({ after, limit, ...query }) =>
      db
        .select()
        .from(server)
        .where(
          and(
            eq(server.neighborhood, query.neighborhood),
            query.status === 'all' ? undefined : eq(server.status, query.status),
            after === undefined ? undefined : gt(server.id, Number(after)),
          ),
        )
        .orderBy(asc(server.id))
        .limit(limit),

    changes: ({ after, limit, ...query }) =>
      db
        .select()
        .from(serverChange)
        .where(and(eq(serverChange.server, query.server), after === undefined ? undefined : gt(serverChange.id, after)))
        .orderBy(asc(serverChange.id))
        .limit(limit),
  }
}
