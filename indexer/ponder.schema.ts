import { index, onchainEnum, onchainTable } from 'ponder'

/**
 * The one row that says which chain the data was indexed from and the block that it stands at.
 *
 * It has to stay the first table: on PGlite Ponder writes and reverts a block table by table in this order and without a
 * transaction, and `src/api/snapshot.ts` recognises a block in progress by this table being ahead of the checkpoint.
 */
export const chainHead = onchainTable('chain_head', (t) => ({
  id: t.integer().primaryKey(),
  /** Hash of the deployment's start block: the identity of the chain. */
  startHash: t.hex().notNull(),
  /** Null until the tip was first reached. */
  number: t.int8({ mode: 'number' }),
  hash: t.hex(),
}))

export const neighborhood = onchainTable('neighborhood', (t) => ({
  id: t.int8({ mode: 'number' }).primaryKey(),
  owner: t.hex().notNull(),
  name: t.text().notNull(),
  uri: t.text().notNull(),
  contentHash: t.hex().notNull(),
  createdAtBlock: t.int8({ mode: 'number' }).notNull(),
  stakeToken: t.hex().notNull(),
  /** Smallest unit of the stake token. */
  minStake: t.bigint().notNull(),
  unbondingSeconds: t.int8({ mode: 'number' }).notNull(),
  maxServers: t.integer().notNull(),
  redundancy: t.integer().notNull(),
  maxChannelLifetimeSeconds: t.int8({ mode: 'number' }).notNull(),
  maxChannelIdleSeconds: t.int8({ mode: 'number' }).notNull(),
  maxMessageBytes: t.int8({ mode: 'number' }).notNull(),
  activeServers: t.integer().notNull(),
}))

export const serverStatus = onchainEnum('server_status', ['active', 'exiting', 'withdrawn'])

export const server = onchainTable(
  'server',
  (t) => ({
    id: t.int8({ mode: 'number' }).primaryKey(),
    neighborhood: t.int8({ mode: 'number' }).notNull(),
    operator: t.hex().notNull(),
    payout: t.hex().notNull(),
    keyId: t.hex().notNull(),
    keyX: t.hex().notNull(),
    keyY: t.hex().notNull(),
    endpoint: t.text().notNull(),
    did: t.text().notNull(),
    /** Smallest unit of the stake token. */
    stake: t.bigint().notNull(),
    status: serverStatus().notNull(),
    /** Unix seconds; null while active. */
    unlockAt: t.int8({ mode: 'number' }),
    registeredAtBlock: t.int8({ mode: 'number' }).notNull(),
  }),
  (table) => ({ byNeighborhood: index().on(table.neighborhood, table.id) }),
)

export const serverChangeKind = onchainEnum('server_change_kind', [
  'registered',
  'stake_added',
  'endpoint_changed',
  'exit_requested',
  'withdrawn',
])

/** What happened to a server, one row per event. */
export const serverChange = onchainTable(
  'server_change',
  (t) => ({
    /** Ponder's event id: its order is that of the chain. */
    id: t.text().primaryKey(),
    server: t.int8({ mode: 'number' }).notNull(),
    kind: serverChangeKind().notNull(),
    block: t.int8({ mode: 'number' }).notNull(),
    /** Unix seconds. */
    timestamp: t.int8({ mode: 'number' }).notNull(),
    transaction: t.hex().notNull(),
    /** Stake after the change, in the smallest unit of the stake token. */
    stake: t.bigint().notNull(),
    endpoint: t.text().notNull(),
  }),
  (table) => ({ byServer: index().on(table.server, table.id) }),
)
