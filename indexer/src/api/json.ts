import { type Address, getAddress } from 'viem'
import type { NeighborhoodRow, ServerChangeRow, ServerRow } from './store.ts'

/** Accounts are given with the EIP-55 checksum, as wallets show them; key ids and hashes in lower case. */
const account = (hex: Address) => getAddress(hex)

export function neighborhoodJson(row: NeighborhoodRow) {
  return {
    id: String(row.id),
    owner: account(row.owner),
    name: row.name,
    uri: row.uri,
    contentHash: row.contentHash,
    createdAtBlock: row.createdAtBlock,
    parameters: {
      stakeToken: account(row.stakeToken),
      minStake: String(row.minStake),
      unbondingSeconds: row.unbondingSeconds,
      maxServers: row.maxServers,
      redundancy: row.redundancy,
      maxChannelLifetimeSeconds: row.maxChannelLifetimeSeconds,
      maxChannelIdleSeconds: row.maxChannelIdleSeconds,
      maxMessageBytes: row.maxMessageBytes,
    },
    activeServers: row.activeServers,
    /** Whether it has the number of servers that its owner wants. */
    healthy: row.activeServers >= row.redundancy,
  }
}

export function serverJson(row: ServerRow) {
  return {
    id: row.id,
    neighborhood: String(row.neighborhood),
    operator: account(row.operator),
    payout: account(row.payout),
    keyId: row.keyId,
    keyX: row.keyX,
    keyY: row.keyY,
    endpoint: row.endpoint,
    did: row.did,
    stake: String(row.stake),
    status: row.status,
    unlockAt: row.unlockAt,
    registeredAtBlock: row.registeredAtBlock,
  }
}

export function changeJson(row: ServerChangeRow) {
  return {
    kind: row.kind,
    block: row.block,
    timestamp: row.timestamp,
    transaction: row.transaction,
    stake: String(row.stake),
    endpoint: row.endpoint,
  }
}
