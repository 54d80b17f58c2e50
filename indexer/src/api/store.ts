import { and, asc, eq, gt, ilike, type ReadonlyDrizzle, sql } from 'ponder'
import * as schema from '../../ponder.schema.ts'
import type { StatusFilter } from './parameters.ts'
import { type Mark, readSnapshot, type Snapshot } from './snapshot.ts'

export type NeighborhoodRow = typeof schema.neighborhood.$inferSelect
export type ServerRow = typeof schema.server.$inferSelect
export type ServerChangeRow = typeof schema.serverChange.$inferSelect

/** `after` is the position of a cursor; at most `limit` rows come back. */
export type Page = { after: string | undefined; limit: number }

/**
 * What the routes read, each at one block: see {@link readSnapshot}, also for its error. Lists are in the order of their
 * positions, which are ids, or for changes Ponder's event ids.
 */
export interface DiscoveryStore {
  /** Only the block that the data stands at. */
  standing(): Promise<Snapshot<null>>
  neighborhood(id: number): Promise<Snapshot<NeighborhoodRow>>
  neighborhoods(query: Page & { name: string | undefined }): Promise<Snapshot<NeighborhoodRow>>
  server(id: number): Promise<Snapshot<ServerRow>>
  /** `known`: whether there is such a neighborhood. */
  servers(query: Page & { neighborhood: number; status: StatusFilter }): Promise<Snapshot<ServerRow> & { known: boolean }>
  /** `known`: whether there is such a server. */
  changes(query: Page & { server: number }): Promise<Snapshot<ServerChangeRow> & { known: boolean }>
}

type Database = ReadonlyDrizzle<typeof schema>

const { chainHead, neighborhood, server, serverChange } = schema

/** The digits of the block number in Ponder's checkpoints come after 10 of the timestamp and 16 of the chain id. */
const CHECKPOINT_BLOCK = { from: 26, to: 42 } as const

const standing = {
  head: chainHead,
  ready: sql<string | null>`(SELECT value ->> 'is_ready' FROM _ponder_meta WHERE key = 'app')`,
  checkpoint: sql<string | null>`(SELECT latest_checkpoint FROM _ponder_checkpoint)`,
}

type Standing = { head: typeof chainHead.$inferSelect; ready: string | null; checkpoint: string | null }

function toMark({ head, ready, checkpoint }: Standing): Mark {
  return {
    backfilled: ready === '1',
    committed: Number(checkpoint?.slice(CHECKPOINT_BLOCK.from, CHECKPOINT_BLOCK.to)),
    head: head.number === null || head.hash === null ? null : { number: head.number, hash: head.hash },
    startHash: head.startHash,
  }
}

/** Every query joins what it looks for to the one row of the head: one statement, and a row even when nothing is found. */
async function atOneBlock<Row>(query: () => Promise<(Standing & { row: Row | null })[]>): Promise<Snapshot<Row>> {
  return readSnapshot(async () => {
    const found = await query()
    const mark = found[0] === undefined ? null : toMark(found[0])
    return { mark, rows: found.map(({ row }) => row).filter((row) => row !== null) }
  })
}

/** Rows that belong to a parent, which may be unknown. */
async function ofParent<Row>(query: () => Promise<(Standing & { row: Row | null; parent: number | null })[]>) {
  const snapshot = await atOneBlock(async () => (await query()).map((found) => ({ ...found, row: found })))
  const rows = snapshot.rows.map(({ row }) => row).filter((row) => row !== null)
  return { ...snapshot, rows, known: snapshot.rows.some(({ parent }) => parent !== null) }
}

const escapeLike = (text: string) => text.replace(/[\\%_]/g, (character) => `\\${character}`)

export function createStore(db: Database): DiscoveryStore {
  return {
    standing: () => atOneBlock<null>(async () => (await db.select(standing).from(chainHead)).map((found) => ({ ...found, row: null }))),

    neighborhood: (id) => {
      const columns = { ...standing, row: neighborhood }
      return atOneBlock(() => db.select(columns).from(chainHead).leftJoin(neighborhood, eq(neighborhood.id, id)))
    },

    neighborhoods: ({ after, limit, name }) =>
      atOneBlock(() =>
        db
          .select({ ...standing, row: neighborhood })
          .from(chainHead)
          .leftJoin(
            neighborhood,
            and(
              gt(neighborhood.id, Number(after ?? 0)),
              name === undefined ? undefined : ilike(neighborhood.name, `%${escapeLike(name)}%`),
            ),
          )
          .orderBy(asc(neighborhood.id))
          .limit(limit),
      ),

    server: (id) => {
      const columns = { ...standing, row: server }
      return atOneBlock(() => db.select(columns).from(chainHead).leftJoin(server, eq(server.id, id)))
    },

    servers: ({ after, limit, neighborhood: id, status }) =>
      ofParent(() =>
        db
          .select({ ...standing, row: server, parent: neighborhood.id })
          .from(chainHead)
          .leftJoin(neighborhood, eq(neighborhood.id, id))
          .leftJoin(
            server,
            and(eq(server.neighborhood, id), gt(server.id, Number(after ?? 0)), status === 'all' ? undefined : eq(server.status, status)),
          )
          .orderBy(asc(server.id))
          .limit(limit),
      ),

    changes: ({ after, limit, server: id }) =>
      ofParent(() =>
        db
          .select({ ...standing, row: serverChange, parent: server.id })
          .from(chainHead)
          .leftJoin(server, eq(server.id, id))
          .leftJoin(serverChange, and(eq(serverChange.server, id), gt(serverChange.id, after ?? '')))
          .orderBy(asc(serverChange.id))
          .limit(limit),
      ),
  }
}
