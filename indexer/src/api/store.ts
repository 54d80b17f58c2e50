import { and, asc, desc, eq, gt, gte, ilike, lt, or, type ReadonlyDrizzle, sql } from 'ponder'
import * as schema from '../../ponder.schema.ts'
import type { StatusFilter } from './parameters.ts'
import { type Mark, readSnapshot, type Snapshot } from './snapshot.ts'

const { attestation, attester, chainHead, neighborhood, neighborhoodChange, registry, round, server, serverChange, serverKey } = schema

export type NeighborhoodRow = typeof neighborhood.$inferSelect & {
  round: typeof round.$inferSelect | null
  attesters: { number: number; account: `0x${string}`; keyId: `0x${string}` }[]
  /** Active servers whose attestation holds. */
  activeServers: number
  /** Whether registrations are paused everywhere. */
  allPaused: boolean
}
export type NeighborhoodChangeRow = typeof neighborhoodChange.$inferSelect
export type ServerRow = typeof server.$inferSelect
export type ServerChangeRow = typeof serverChange.$inferSelect
export type KeyRow = typeof serverKey.$inferSelect
export type AttestationRow = typeof attestation.$inferSelect

/** `after` is the position of a cursor; at most `limit` rows come back. */
export type Page = { after: string | undefined; limit: number }

/** Rows that belong to something; `known`: whether there is such a thing. */
export type Children<Row> = Snapshot<Row> & { known: boolean }

/**
 * What the routes read, each at one block: see {@link readSnapshot}, also for its error. Lists are in the order of their
 * positions, which are ids, or for what events said Ponder's event ids.
 */
export interface DiscoveryStore {
  /** Only the block that the data stands at. */
  standing(): Promise<Snapshot<null>>
  neighborhood(id: number): Promise<Snapshot<NeighborhoodRow>>
  neighborhoods(query: Page & { name: string | undefined }): Promise<Snapshot<NeighborhoodRow>>
  /** With the pauses of all neighborhoods since this one was created. */
  neighborhoodChanges(query: Page & { neighborhood: number }): Promise<Children<NeighborhoodChangeRow>>
  server(id: number): Promise<Snapshot<ServerRow>>
  servers(query: Page & { neighborhood: number; status: StatusFilter }): Promise<Children<ServerRow>>
  serverChanges(query: Page & { server: number }): Promise<Children<ServerChangeRow>>
  keys(query: Page & { server: number }): Promise<Children<KeyRow>>
  /** The newest first. */
  attestations(query: Page & { server: number }): Promise<Children<AttestationRow>>
}

type Database = ReadonlyDrizzle<typeof schema>
type SQL<Value = unknown> = ReturnType<typeof sql<Value>>

/** The digits of the block number in Ponder's checkpoints come after 10 of the timestamp and 16 of the chain id. */
const CHECKPOINT_BLOCK = { from: 26, to: 42 } as const

/** The columns that every query has beside what it looks for. */
function standingAt(at: SQL<number>) {
  return {
    head: chainHead,
    ready: sql<string | null>`(SELECT value ->> 'is_ready' FROM _ponder_meta WHERE key = 'app')`,
    checkpoint: sql<string | null>`(SELECT latest_checkpoint FROM _ponder_checkpoint)`,
    at,
    lastExpiry: sql<number | null>`(
      SELECT MAX(${server.validUntil}) FROM ${server} WHERE ${server.status} = 'active' AND ${server.validUntil} < ${at}
    )`.mapWith(Number),
  }
}

type Standing = {
  head: typeof chainHead.$inferSelect
  ready: string | null
  checkpoint: string | null
  at: number
  lastExpiry: number | null
}

function toMark({ head, ready, checkpoint, at, lastExpiry }: Standing): Mark {
  const { number, hash, timestamp } = head
  return {
    backfilled: ready === '1',
    committed: Number(checkpoint?.slice(CHECKPOINT_BLOCK.from, CHECKPOINT_BLOCK.to)),
    head: number === null || hash === null || timestamp === null ? null : { number, hash, timestamp },
    startHash: head.startHash,
    at,
    lastExpiry,
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
async function ofParent<Row>(query: () => Promise<(Standing & { row: Row | null; parent: number | null })[]>): Promise<Children<Row>> {
  const snapshot = await atOneBlock(async () => (await query()).map((found) => ({ ...found, row: found })))
  const rows = snapshot.rows.map(({ row }) => row).filter((row) => row !== null)
  return { ...snapshot, rows, known: snapshot.rows.some(({ parent }) => parent !== null) }
}

const escapeLike = (text: string) => text.replace(/[\\%_]/g, (character) => `\\${character}`)

/** Servers of a status as the API has it: of the `active` ones on chain, those whose attestation has run out are `lapsed`. */
function hasStatus(status: StatusFilter, at: SQL<number>): SQL | undefined {
  if (status === 'all') return undefined
  if (status === 'lapsed') return and(eq(server.status, 'active'), lt(server.validUntil, at))
  if (status === 'active') return and(eq(server.status, 'active'), gte(server.validUntil, at))
  return eq(server.status, status)
}

/** Gives the expression of the time at which lapses are judged, in Unix seconds. */
type Time = () => SQL<number>

/** @param now Unix seconds */
export function createStore(db: Database, now: () => number): DiscoveryStore {
  // A quiet chain's newest block is old, and a local chain's time may have been moved ahead of the clock: the later of the two.
  const time = () => sql<number>`GREATEST(${chainHead.timestamp}, ${now()}::int8)`.mapWith(Number)
  return { ...neighborhoodReads(db, time), ...serverReads(db, time), ...serverHistories(db, time) }
}

/** Neighborhoods with all that their rows do not have themselves. */
async function selectNeighborhoods(db: Database, at: SQL<number>, { where, limit }: { where: SQL | undefined; limit: number }) {
  const found = await db
    .select({
      ...standingAt(at),
      row: neighborhood,
      round,
      attesters: sql<NeighborhoodRow['attesters']>`(
        SELECT COALESCE(JSON_AGG(JSON_BUILD_OBJECT(
          'number', ${attester.number}, 'account', ${attester.account}, 'keyId', ${attester.keyId}
        ) ORDER BY ${attester.number}), '[]')
        FROM ${attester} WHERE ${attester.neighborhood} = ${neighborhood.id} AND ${attester.version} = ${neighborhood.attesterSet}
      )`,
      activeServers: sql<number>`(
        SELECT COUNT(*) FROM ${server} WHERE ${server.neighborhood} = ${neighborhood.id} AND ${hasStatus('active', at)}
      )`.mapWith(Number),
      allPaused: sql<boolean>`(SELECT ${registry.registrationsPaused} FROM ${registry})`,
    })
    .from(chainHead)
    .leftJoin(neighborhood, where)
    .leftJoin(round, and(eq(round.neighborhood, neighborhood.id), eq(round.number, neighborhood.latestRound)))
    .orderBy(asc(neighborhood.id))
    .limit(limit)
  return found.map(({ row, round: latest, attesters, activeServers, allPaused, ...standing }) => ({
    ...standing,
    row: row === null ? null : { ...row, round: latest, attesters, activeServers, allPaused },
  }))
}

type NeighborhoodReads = Pick<DiscoveryStore, 'neighborhood' | 'neighborhoods' | 'neighborhoodChanges'>

function neighborhoodReads(db: Database, time: Time): NeighborhoodReads {
  return {
    neighborhood: (id) => atOneBlock(() => selectNeighborhoods(db, time(), { where: eq(neighborhood.id, id), limit: 1 })),

    neighborhoods: ({ after, limit, name }) => {
      const named = name === undefined ? undefined : ilike(neighborhood.name, `%${escapeLike(name)}%`)
      const where = and(gt(neighborhood.id, Number(after ?? 0)), named)
      return atOneBlock(() => selectNeighborhoods(db, time(), { where, limit }))
    },

    neighborhoodChanges: ({ after, limit, neighborhood: id }) => {
      const everywhere = and(eq(neighborhoodChange.neighborhood, 0), gte(neighborhoodChange.block, neighborhood.createdAtBlock))
      const ofThis = or(eq(neighborhoodChange.neighborhood, id), everywhere)
      return ofParent(() =>
        db
          .select({ ...standingAt(time()), row: neighborhoodChange, parent: neighborhood.id })
          .from(chainHead)
          .leftJoin(neighborhood, eq(neighborhood.id, id))
          .leftJoin(neighborhoodChange, and(ofThis, gt(neighborhoodChange.id, after ?? '')))
          .orderBy(asc(neighborhoodChange.id))
          .limit(limit),
      )
    },
  }
}

function serverReads(db: Database, time: Time): Pick<DiscoveryStore, 'standing' | 'server' | 'servers'> {
  return {
    standing: () =>
      atOneBlock<null>(async () => (await db.select(standingAt(time())).from(chainHead)).map((found) => ({ ...found, row: null }))),

    server: (id) =>
      atOneBlock(() =>
        db
          .select({ ...standingAt(time()), row: server })
          .from(chainHead)
          .leftJoin(server, eq(server.id, id)),
      ),

    servers: ({ after, limit, neighborhood: id, status }) =>
      ofParent(() => {
        const at = time()
        return db
          .select({ ...standingAt(at), row: server, parent: neighborhood.id })
          .from(chainHead)
          .leftJoin(neighborhood, eq(neighborhood.id, id))
          .leftJoin(server, and(eq(server.neighborhood, id), gt(server.id, Number(after ?? 0)), hasStatus(status, at)))
          .orderBy(asc(server.id))
          .limit(limit)
      }),
  }
}

function serverHistories(db: Database, time: Time): Pick<DiscoveryStore, 'serverChanges' | 'keys' | 'attestations'> {
  return {
    serverChanges: ({ after, limit, server: id }) =>
      ofParent(() =>
        db
          .select({ ...standingAt(time()), row: serverChange, parent: server.id })
          .from(chainHead)
          .leftJoin(server, eq(server.id, id))
          .leftJoin(serverChange, and(eq(serverChange.server, id), gt(serverChange.id, after ?? '')))
          .orderBy(asc(serverChange.id))
          .limit(limit),
      ),

    keys: ({ after, limit, server: id }) =>
      ofParent(() =>
        db
          .select({ ...standingAt(time()), row: serverKey, parent: server.id })
          .from(chainHead)
          .leftJoin(server, eq(server.id, id))
          .leftJoin(serverKey, and(eq(serverKey.server, id), gt(serverKey.id, after ?? '')))
          .orderBy(asc(serverKey.id))
          .limit(limit),
      ),

    attestations: ({ after, limit, server: id }) =>
      ofParent(() =>
        db
          .select({ ...standingAt(time()), row: attestation, parent: server.id })
          .from(chainHead)
          .leftJoin(server, eq(server.id, id))
          .leftJoin(attestation, and(eq(attestation.server, id), after === undefined ? undefined : lt(attestation.id, after)))
          .orderBy(desc(attestation.id))
          .limit(limit),
      ),
  }
}
