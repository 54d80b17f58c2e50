import { account, parametersJson } from '../handlers/details.ts'
import type { AttestationRow, KeyRow, NeighborhoodChangeRow, NeighborhoodRow, ServerChangeRow, ServerRow } from './store.ts'

/*
 * Accounts are given with the EIP-55 checksum, as wallets show them; key ids and hashes in lower case; amounts as decimal strings in
 * the token's smallest unit; times in Unix seconds. What there is none of is null.
 */

const accountOf = (hex: `0x${string}` | null) => (hex === null ? null : account(hex))
const amountOf = (amount: bigint | null) => (amount === null ? null : String(amount))

export function neighborhoodJson(row: NeighborhoodRow) {
  const { staged, stagedEffectiveAt: effectiveAt, round } = row
  return {
    id: String(row.id),
    owner: account(row.owner),
    pendingOwner: accountOf(row.pendingOwner),
    name: row.name,
    uri: row.uri,
    contentHash: row.contentHash,
    createdAtBlock: row.createdAtBlock,
    parameters: parametersJson(row),
    /** Announced parameters, which anybody can apply from `effectiveAt`. */
    staged: staged === null || effectiveAt === null ? null : { parameters: staged, effectiveAt },
    admission: { mode: row.admission, gateToken: accountOf(row.gateToken), gateBalance: amountOf(row.gateBalance) },
    guardian: accountOf(row.guardian),
    /** In this neighborhood or everywhere. */
    registrationsPaused: row.paused || row.allPaused,
    attestation: {
      /** Who attests by the parameters; a round for which there are too few peers says `appointed`. */
      mode: row.attestation,
      version: row.attesterSet,
      attesters: row.attesters.map(({ number, account: hex, keyId }) => ({ number, account: account(hex), keyId })),
      /** The latest one, open until `closesAt`. */
      round: round === null ? null : roundJson(round),
    },
    /** Active servers, lapsed ones included until they are pruned. */
    seatsTaken: row.seatsTaken,
    /** Active servers whose attestation holds. */
    activeServers: row.activeServers,
    /** Whether it has the number of servers that its owner wants. */
    healthy: row.activeServers >= row.redundancy,
  }
}

function roundJson(round: NonNullable<NeighborhoodRow['round']>) {
  const { number, mode, eligible, threshold, attesterSet, peers, opensAt, closesAt } = round
  return { number, mode, eligible, threshold, attesterSet, peers, opensAt, closesAt }
}

/** @param at Unix seconds: an active server whose attestation held until before it has lapsed */
export function serverJson(row: ServerRow, at: number) {
  const { slashReporter: reporter, slashPosition: position, slashReward: reward, slashBurned: burned } = row
  const lapsed = row.status === 'active' && row.validUntil !== null && row.validUntil < at
  return {
    id: row.id,
    neighborhood: String(row.neighborhood),
    operator: account(row.operator),
    payout: account(row.payout),
    pendingPayout: accountOf(row.pendingPayout),
    keyId: row.keyId,
    keyX: row.keyX,
    keyY: row.keyY,
    endpoint: row.endpoint,
    /** Where it moves with the next attestation of that endpoint. */
    proposedEndpoint: row.proposedEndpoint,
    did: row.did,
    stake: String(row.stake),
    status: lapsed ? ('lapsed' as const) : row.status,
    validUntil: row.validUntil,
    unlockAt: row.unlockAt,
    slashPercent: row.slashPercent,
    slash: reporter === null ? null : { reporter: account(reporter), position, reward: amountOf(reward), burned: amountOf(burned) },
    registeredAtBlock: row.registeredAtBlock,
  }
}

export function keyJson({ keyId, keyX, keyY, acceptedUntil, sinceBlock }: KeyRow) {
  return { keyId, keyX, keyY, acceptedUntil, sinceBlock }
}

export function attestationJson(row: AttestationRow) {
  const { round, mode, endpoint, endpointHash, spkiHash, validUntil, reportHash, attesters, block, timestamp, transaction } = row
  return { round, mode, endpoint, endpointHash, spkiHash, validUntil, reportHash, attesters, block, timestamp, transaction }
}

export function serverChangeJson({ kind, block, timestamp, transaction, details, status, stake, endpoint }: ServerChangeRow) {
  return { kind, block, timestamp, transaction, details, status, stake: String(stake), endpoint }
}

export function neighborhoodChangeJson({ kind, block, timestamp, transaction, details }: NeighborhoodChangeRow) {
  return { kind, block, timestamp, transaction, details }
}
