/** Every reason for which a server ends a link to a peer, as it says it in its last frame. */
export const linkErrors = {
  unsupported_version: 'The peer speaks another version of the relay protocol',
  wrong_registry: 'The peer belongs to another chain or registry',
  wrong_neighborhood: 'The peer belongs to another neighborhood',
  wrong_server: 'The peer wants to talk to another server, or is another one than was dialled',
  wrong_turn: 'Of two servers the one with the lower id dials',
  unregistered: 'The peer is not, or no longer, an attested server of the neighborhood with that key',
  invalid_signature: 'The peer did not prove that it holds its registered key on this connection',
  malformed_frame: 'A frame is not what the relay protocol allows',
  oversized_frame: 'A frame is larger than the relay protocol allows',
  unexpected_frame: 'A frame came at a time at which it has no meaning',
  handshake_timeout: 'The peer did not say who it is in time',
  busy: 'Too many peers are introducing themselves at once',
  rejected_entry: 'The peer sent an entry that is not signed by its sender or is otherwise invalid',
  silent: 'Nothing was heard of the peer for too long',
  replaced: 'The peer has opened a newer link',
  store_unavailable: 'The store of this server is unavailable',
  stopping: 'The server is shutting down',
  disconnected: 'The connection broke',
} as const

export type LinkErrorCode = keyof typeof linkErrors

/** Why a link ended, or could not begin. */
export class LinkError extends Error {
  override readonly name = 'LinkError'
  readonly code: LinkErrorCode

  constructor(code: LinkErrorCode, detail?: string, cause?: unknown) {
    super(detail ?? linkErrors[code], cause === undefined ? undefined : { cause })
    this.code = code
  }
}

export function isLinkErrorCode(code: string): code is LinkErrorCode {
  return Object.hasOwn(linkErrors, code)
}
