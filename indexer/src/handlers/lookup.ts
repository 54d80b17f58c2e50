import type { server } from 'ponder:schema'
import { type Hex, keccak256, stringToBytes } from 'viem'

export type ServerRow = typeof server.$inferSelect

/** @throws {Error} for what an earlier event should have brought */
export function indexed<Row>(row: Row | null, what: string): Row {
  if (row === null) throw new Error(`An event is about ${what}, which no event brought`)
  return row
}

/**
 * The endpoint that an attestation of a server is about: its present one, or the proposed one, to which it moves.
 * @throws {Error} for a hash of neither, which the registry refuses
 */
export function attestedEndpoint({ id, endpoint, proposedEndpoint }: ServerRow, endpointHash: Hex): { endpoint: string; moved: boolean } {
  if (hashOf(endpoint) === endpointHash) return { endpoint, moved: false }
  if (proposedEndpoint !== null && hashOf(proposedEndpoint) === endpointHash) return { endpoint: proposedEndpoint, moved: true }
  throw new Error(`The attested endpoint of server ${id} is neither its present nor its proposed one`)
}

const hashOf = (endpoint: string) => keccak256(stringToBytes(endpoint))
