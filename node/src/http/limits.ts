/** What one client may ask of a server beside the rate of its requests. */
export interface HttpLimits {
  /** Milliseconds in which the body of a request has to come. */
  bodyTimeoutMs: number
  /** Milliseconds after which a connection is closed on which nothing was sent or received. */
  idleTimeoutMs: number
  /** Bytes of pages that are made but not taken by their readers; beyond that no more are made. */
  heldPageBytes: number
  /** Channels that one address may make in a window: each costs room for as long as it lives, not only now. */
  creations: { max: number; windowMs: number }
  /** Proofs of the endpoint that are being signed at once. */
  proofs: number
}

export const httpLimits: HttpLimits = {
  bodyTimeoutMs: 20_000,
  idleTimeoutMs: 60_000,
  heldPageBytes: 134_217_728,
  creations: { max: 600, windowMs: 600_000 },
  proofs: 32,
}
