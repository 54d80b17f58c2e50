import { index, onchainEnum, onchainTable, primaryKey } from 'ponder'
import type { NeighborhoodChangeDetails, ParametersJson, ServerChangeDetails } from './src/handlers/details.ts'

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
  /** Unix seconds. */
  timestamp: t.int8({ mode: 'number' }),
}))

/** The one row about the registry of the neighborhoods itself. */
export const registry = onchainTable('registry', (t) => ({
  id: t.integer().primaryKey(),
  /** Whether registrations are paused everywhere. */
  registrationsPaused: t.boolean().notNull(),
}))

/** Who attests. */
export const attestationMode = onchainEnum('attestation_mode', ['appointed', 'peers'])

export const admissionMode = onchainEnum('admission_mode', ['open', 'allowlist', 'token_gate'])

export const neighborhood = onchainTable('neighborhood', (t) => ({
  id: t.int8({ mode: 'number' }).primaryKey(),
  owner: t.hex().notNull(),
  /** Whom it is offered to. */
  pendingOwner: t.hex(),
  name: t.text().notNull(),
  uri: t.text().notNull(),
  contentHash: t.hex().notNull(),
  createdAtBlock: t.int8({ mode: 'number' }).notNull(),
  stakeToken: t.hex().notNull(),
  /** Smallest unit of the stake token. */
  minStake: t.bigint().notNull(),
  unbondingSeconds: t.int8({ mode: 'number' }).notNull(),
  keyOverlapSeconds: t.int8({ mode: 'number' }).notNull(),
  attestationSeconds: t.int8({ mode: 'number' }).notNull(),
  maxChannelLifetimeSeconds: t.int8({ mode: 'number' }).notNull(),
  maxChannelIdleSeconds: t.int8({ mode: 'number' }).notNull(),
  maxMessageBytes: t.int8({ mode: 'number' }).notNull(),
  maxServers: t.integer().notNull(),
  redundancy: t.integer().notNull(),
  slashPercent: t.integer().notNull(),
  quorumNumerator: t.integer().notNull(),
  quorumDenominator: t.integer().notNull(),
  attestation: attestationMode().notNull(),
  /** Announced parameters; null if there are none. */
  staged: t.json().$type<ParametersJson>(),
  /** Unix seconds from which the announced parameters can be applied; null if there are none. */
  stagedEffectiveAt: t.int8({ mode: 'number' }),
  admission: admissionMode().notNull(),
  /** Token of a token gate, and the least balance of it; null in the other modes. */
  gateToken: t.hex(),
  gateBalance: t.bigint(),
  guardian: t.hex(),
  /** Whether registrations are paused in this neighborhood; see `registry` for everywhere. */
  paused: t.boolean().notNull(),
  /** Version of the attesters appointed last, see `attester`; 0 if none ever were. */
  attesterSet: t.int8({ mode: 'number' }).notNull(),
  /** Number of the latest round, see `round`; 0 if there was none. */
  latestRound: t.int8({ mode: 'number' }).notNull(),
  /** Number of servers with status `active`, lapsed ones included. */
  seatsTaken: t.integer().notNull(),
}))

/** Who is on a neighborhood's list. */
export const allowedOperator = onchainTable(
  'allowed_operator',
  (t) => ({
    neighborhood: t.int8({ mode: 'number' }).notNull(),
    operator: t.hex().notNull(),
  }),
  (table) => ({ key: primaryKey({ columns: [table.neighborhood, table.operator] }) }),
)

/** Appointed attesters, of every set there ever was: a round goes on with the set that it began with. */
export const attester = onchainTable(
  'attester',
  (t) => ({
    neighborhood: t.int8({ mode: 'number' }).notNull(),
    version: t.int8({ mode: 'number' }).notNull(),
    /** Position from 1 in the set: its number in attestations. */
    number: t.integer().notNull(),
    account: t.hex().notNull(),
    keyId: t.hex().notNull(),
  }),
  (table) => ({ key: primaryKey({ columns: [table.neighborhood, table.version, table.number] }) }),
)

export const round = onchainTable(
  'round',
  (t) => ({
    neighborhood: t.int8({ mode: 'number' }).notNull(),
    number: t.int8({ mode: 'number' }).notNull(),
    mode: attestationMode().notNull(),
    /** Number of independent attesters. */
    eligible: t.integer().notNull(),
    /** Votes needed. */
    threshold: t.integer().notNull(),
    /** Version of the appointed attesters; null in a round of peers. */
    attesterSet: t.int8({ mode: 'number' }),
    /** Ids of the attesting servers, ascending; none in a round of appointed attesters. */
    peers: t.json().$type<readonly number[]>().notNull(),
    /** Unix seconds; the last one at which attestations are taken is `closesAt`. */
    opensAt: t.int8({ mode: 'number' }).notNull(),
    closesAt: t.int8({ mode: 'number' }).notNull(),
  }),
  (table) => ({ key: primaryKey({ columns: [table.neighborhood, table.number] }) }),
)

/** An `active` server whose `validUntil` has passed has lapsed, until it is pruned back to `pending`. */
export const serverStatus = onchainEnum('server_status', ['pending', 'active', 'exiting', 'withdrawn', 'slashed'])

export const server = onchainTable(
  'server',
  (t) => ({
    id: t.int8({ mode: 'number' }).primaryKey(),
    neighborhood: t.int8({ mode: 'number' }).notNull(),
    operator: t.hex().notNull(),
    payout: t.hex().notNull(),
    /** Whom the payout account offered its place to. */
    pendingPayout: t.hex(),
    /** The present key; see `serverKey` for former ones. */
    keyId: t.hex().notNull(),
    keyX: t.hex().notNull(),
    keyY: t.hex().notNull(),
    endpoint: t.text().notNull(),
    /** Where it moves with the next attestation of that endpoint. */
    proposedEndpoint: t.text(),
    did: t.text().notNull(),
    /** Smallest unit of the stake token. */
    stake: t.bigint().notNull(),
    status: serverStatus().notNull(),
    /** Unix seconds, the last one at which the latest attestation holds; null if there was none. */
    validUntil: t.int8({ mode: 'number' }),
    /** Unix seconds; null before an exit or a slash. */
    unlockAt: t.int8({ mode: 'number' }),
    /** Share of the stake at risk, fixed by the exit request or the slash; null before. */
    slashPercent: t.integer(),
    /** What a slash said; null without one. `slashPosition` is the hash that names the position. */
    slashReporter: t.hex(),
    slashPosition: t.hex(),
    slashReward: t.bigint(),
    slashBurned: t.bigint(),
    registeredAtBlock: t.int8({ mode: 'number' }).notNull(),
  }),
  (table) => ({
    byNeighborhood: index().on(table.neighborhood, table.id),
    byNeighborhoodAndStatus: index().on(table.neighborhood, table.status),
    byExpiry: index().on(table.status, table.validUntil),
  }),
)

/** Every key that a server has or had. A key belongs to one server for ever. */
export const serverKey = onchainTable(
  'server_key',
  (t) => ({
    keyId: t.hex().primaryKey(),
    /** Ponder's event id of the registration or rotation: its order is that of the chain. */
    id: t.text().notNull(),
    server: t.int8({ mode: 'number' }).notNull(),
    keyX: t.hex().notNull(),
    keyY: t.hex().notNull(),
    /** Unix seconds, the last one at which a rotated key is accepted; null for the present key. */
    acceptedUntil: t.int8({ mode: 'number' }),
    sinceBlock: t.int8({ mode: 'number' }).notNull(),
  }),
  (table) => ({ byServer: index().on(table.server, table.id) }),
)

/** What a quorum said about a server, one row per event. */
export const attestation = onchainTable(
  'attestation',
  (t) => ({
    /** Ponder's event id: its order is that of the chain. */
    id: t.text().primaryKey(),
    server: t.int8({ mode: 'number' }).notNull(),
    neighborhood: t.int8({ mode: 'number' }).notNull(),
    round: t.int8({ mode: 'number' }).notNull(),
    mode: attestationMode().notNull(),
    endpoint: t.text().notNull(),
    endpointHash: t.hex().notNull(),
    spkiHash: t.hex().notNull(),
    /** Unix seconds. */
    validUntil: t.int8({ mode: 'number' }).notNull(),
    reportHash: t.hex().notNull(),
    /** Who voted, and for whom: the appointed account, or the operator of the peer. */
    attesters: t.json().$type<readonly { number: number; account: string }[]>().notNull(),
    block: t.int8({ mode: 'number' }).notNull(),
    /** Unix seconds. */
    timestamp: t.int8({ mode: 'number' }).notNull(),
    transaction: t.hex().notNull(),
  }),
  (table) => ({ byServer: index().on(table.server, table.id) }),
)

export const serverChangeKind = onchainEnum('server_change_kind', [
  'registered',
  'stake_added',
  'endpoint_changed',
  'endpoint_proposed',
  'did_changed',
  'key_rotated',
  'payout_proposed',
  'payout_changed',
  'attested',
  'lapsed',
  'exit_requested',
  'withdrawn',
  'slashed',
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
    /** What the event said. */
    details: t.json().$type<ServerChangeDetails[keyof ServerChangeDetails]>().notNull(),
    /** Status, stake in the smallest unit of the stake token, and endpoint after the change. */
    status: serverStatus().notNull(),
    stake: t.bigint().notNull(),
    endpoint: t.text().notNull(),
  }),
  (table) => ({ byServer: index().on(table.server, table.id) }),
)

export const neighborhoodChangeKind = onchainEnum('neighborhood_change_kind', [
  'created',
  'metadata_updated',
  'ownership_offered',
  'ownership_transferred',
  'parameters_staged',
  'staged_parameters_cancelled',
  'parameters_applied',
  'admission_changed',
  'operator_allowed',
  'guardian_changed',
  'registrations_paused',
  'registrations_resumed',
  'attesters_appointed',
  'round_opened',
])

/** What happened to a neighborhood, one row per event; a pause of every neighborhood belongs to neighborhood 0. */
export const neighborhoodChange = onchainTable(
  'neighborhood_change',
  (t) => ({
    /** Ponder's event id: its order is that of the chain. */
    id: t.text().primaryKey(),
    neighborhood: t.int8({ mode: 'number' }).notNull(),
    kind: neighborhoodChangeKind().notNull(),
    block: t.int8({ mode: 'number' }).notNull(),
    /** Unix seconds. */
    timestamp: t.int8({ mode: 'number' }).notNull(),
    transaction: t.hex().notNull(),
    /** What the event said. */
    details: t.json().$type<NeighborhoodChangeDetails[keyof NeighborhoodChangeDetails]>().notNull(),
  }),
  (table) => ({ byNeighborhood: index().on(table.neighborhood, table.id) }),
)

/** What slashes left of a token and somebody sent to the burn address. */
export const burn = onchainTable('burn', (t) => ({
  /** Ponder's event id: its order is that of the chain. */
  id: t.text().primaryKey(),
  token: t.hex().notNull(),
  amount: t.bigint().notNull(),
  block: t.int8({ mode: 'number' }).notNull(),
  /** Unix seconds. */
  timestamp: t.int8({ mode: 'number' }).notNull(),
  transaction: t.hex().notNull(),
}))
