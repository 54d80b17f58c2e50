/** What one client may ask of a server beside the rate and number of its requests, which an operator sets. */
export interface HttpLimits {
  /** Milliseconds in which the head of a request has to come. */
  headTimeoutMs: number
  /** Milliseconds in which the body of a request has to come. */
  bodyTimeoutMs: number
  /** Milliseconds after which a connection is closed on which nothing was sent or received. */
  idleTimeoutMs: number
  /** Bytes of a request's headers, names and values. */
  headerBytes: number
  /** Characters of a request's address: a cursor fits, with the longest path before it. */
  urlLength: number
  /** Requests on one HTTP/1.1 connection that are not answered: beyond that it is cut. */
  pipelined: number
  /** PING, SETTINGS and RST_STREAM frames on one HTTP/2 connection: beyond that it is cut. */
  controlFrames: { burst: number; perSecond: number }
  /** Bytes of bodies that are being received or worked on. */
  bodyBytes: { total: number; perAddress: number }
  /** Bytes of answers that are made but not taken by their readers; beyond that no more are made. */
  heldPageBytes: { total: number; perAddress: number }
  /** Proofs of the endpoint that are being signed at once. */
  proofs: number
}

export const httpLimits: HttpLimits = {
  headTimeoutMs: 10_000,
  bodyTimeoutMs: 20_000,
  idleTimeoutMs: 60_000,
  headerBytes: 16_384,
  urlLength: 12_288,
  pipelined: 32,
  controlFrames: { burst: 1_000, perSecond: 100 },
  bodyBytes: { total: 134_217_728, perAddress: 16_777_216 },
  heldPageBytes: { total: 134_217_728, perAddress: 16_777_216 },
  proofs: 32,
}
