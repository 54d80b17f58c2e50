import { encode } from 'cborg'

/** RFC 8446 §7.5 label and length in bytes of the keying material that binds a handshake to its TLS session. */
export const CHANNEL_BINDING = { label: 'EXPORTER-dred-peer-link-1', bytes: 32 } as const

/** What both servers have said when one of them signs. */
export interface Handshake {
  chainId: number
  /** Lowercase address. */
  serverRegistry: string
  neighborhood: string
  /** Registry ids. */
  dialler: number
  acceptor: number
  /** 32 bytes each, fresh on every link: a signature recorded on one link is worth nothing on another. */
  diallerNonce: Uint8Array
  acceptorNonce: Uint8Array
  /** Keying material exported from the TLS session; empty without TLS. */
  channelBinding: Uint8Array
}

/**
 * The bytes that a server signs with its registered P-256 key (ECDSA, SHA-256) to prove on this connection who it is: the CBOR array of a
 * fixed text, the signer's role and every field of the handshake. They begin with a byte that no EIP-712 statement begins with.
 */
export function handshakeBytes(role: 'dialler' | 'acceptor', handshake: Handshake): Uint8Array<ArrayBuffer> {
  const { chainId, serverRegistry, neighborhood, dialler, acceptor, diallerNonce, acceptorNonce, channelBinding } = handshake
  const fields = [chainId, serverRegistry, neighborhood, dialler, acceptor, diallerNonce, acceptorNonce, channelBinding]
  return new Uint8Array(encode(['dred peer link 1', role, ...fields]))
}
