import { encode } from 'cborg'
import { sha256 } from '../encoding.ts'

/**
 * A number that names a list of servers, so that two of them see whether they mean the same one: the first four bytes, big-endian,
 * of the SHA-256 of the CBOR array of the ids in ascending order.
 * @param ids registry ids, in any order, each once
 * @returns an integer of 32 bits
 */
export function epochOf(ids: readonly number[]): number {
  const digest = sha256(encode([...ids].sort((a, b) => a - b)))
  return new DataView(digest.buffer).getUint32(0)
}
