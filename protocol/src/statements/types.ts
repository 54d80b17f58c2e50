import type { Hex } from 'viem'

/** Which server registry a statement is meant for; it counts at no other. */
export interface RegistryDomain {
  chainId: number
  /** Address of the `ServerRegistry`. */
  serverRegistry: Hex
}

/** Which compliance registry an attestation is meant for; it counts at no other. */
export interface ComplianceDomain {
  chainId: number
  /** Address of the `ComplianceRegistry`. */
  complianceRegistry: Hex
}

/** What a server key signs to show that its holder wants it registered, by this operator, at this endpoint. */
export interface ServerKeyStatement {
  /** Id of the neighborhood in its registry. */
  neighborhood: number
  /** Account that will send the registration. */
  operator: Hex
  /** 32-byte coordinates of the P-256 key that signs. */
  keyX: Hex
  keyY: Hex
  /** Exactly as it will be registered. */
  endpoint: string
  /** Last Unix time in seconds at which the statement counts. */
  deadline: bigint
}

/** What a new key signs to show that its holder wants it to replace the key of a server. */
export interface KeyRotationStatement {
  /** Id of the server in its registry. */
  server: number
  /** The server's operator, who will send the rotation. */
  operator: Hex
  /** 32-byte coordinates of the new key, which signs. */
  keyX: Hex
  keyY: Hex
  /** Last Unix time in seconds at which the statement counts. */
  deadline: bigint
}

/** A server's statement that the `n`th message of its incarnation completes the history with this head. */
export interface RelayHeadStatement {
  server: number
  incarnation: bigint
  /** Number of messages in the history; 0 for none. */
  n: bigint
  /** 32 bytes; see {@link nextHead}. */
  head: Hex
}

/** A leader's statement that message number `seq` completes the channel's order with this head. */
export interface ChannelHeadStatement {
  /** Id of the server that led. */
  server: number
  /** The channel's id, 32 bytes. */
  channel: Hex
  /** Registry epoch of the channel's voters. */
  epoch: bigint
  /** Term of the leader. */
  term: bigint
  /** Number of messages in the order; 0 for none. */
  seq: bigint
  /** 32 bytes; see {@link nextHead}. */
  head: Hex
}

/** What an attester says about a server. */
export interface AttestationStatement {
  neighborhood: number
  server: number
  /** Number of the signing attester: its position from 1 in the appointed set, or the id of its server. */
  attester: number
  /** Number of the neighborhood's round. */
  round: number
  /** The endpoint that was examined, exactly as registered or proposed. */
  endpoint: string
  /** SHA-256 of the SubjectPublicKeyInfo of the certificate it presented, 32 bytes; zeros without TLS. */
  spkiHash: Hex
  /** Last Unix time in seconds at which the attestation holds. */
  validUntil: number
  /** Hash of the report of the checks, 32 bytes. */
  reportHash: Hex
}

/** What a relay server signs when it is asked to prove that it holds its key at this endpoint. No contract reads it. */
export interface EndpointProofStatement {
  server: number
  /** The endpoint that the server is registered with. */
  endpoint: string
  /** 32 bytes that the asker chose. */
  nonce: Hex
}

/** A P-256 public key as contracts take it: two 32-byte coordinates. */
export interface KeyWords {
  keyX: Hex
  keyY: Hex
}

/** An ECDSA signature as contracts take it: two 32-byte words, `s` in the lower half of the curve's order. */
export interface SignatureWords {
  r: Hex
  s: Hex
}

/** What signs statements. */
export interface StatementSigner {
  /**
   * ECDSA with SHA-256 on P-256.
   * @param bytes to be hashed and signed
   * @returns r ‖ s, 64 bytes; either s will do
   */
  sign(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array>
}
