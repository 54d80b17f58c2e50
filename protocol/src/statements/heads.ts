import { concat, type Hex, sha256, size, zeroHash } from 'viem'

/** Head of a history without messages: 32 zero bytes. */
export const emptyHead: Hex = zeroHash

/**
 * Head of a history with one message more: SHA-256(head ‖ id).
 * @param head of the history so far, 32 bytes
 * @param id of the message that follows, 32 bytes
 * @throws RangeError for another length
 */
export function nextHead(head: Hex, id: Hex): Hex {
  if (size(head) !== 32 || size(id) !== 32) throw new RangeError('A head and an id have 32 bytes each')
  return sha256(concat([head, id]))
}
