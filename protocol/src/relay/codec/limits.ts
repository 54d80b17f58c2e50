/** Version of the relay protocol, said in HELLO. */
export const RELAY_VERSION = 2

/** Bounds of what servers send each other. */
export const relayLimits = {
  /** Bytes of a frame, without its length, before a link is authenticated and after. */
  helloFrameBytes: 1_024,
  frameBytes: 1_048_576,
  /** Entries and bytes (of their signed texts) of one BATCH. */
  batchEntries: 512,
  batchBytes: 524_288,
  /** Servers of one cover set, or of one latency row. */
  coverServers: 256,
  /** Ranges of one PROBE or WANT, and counts in all of them together. */
  ranges: 16_384,
  rangeCounts: 65_536,
  /** Origins of one receipt. */
  receiptItems: 1_024,
  /** Frames that one version vector may be spread over. */
  vectorFrames: 64,
  /** Notices of one frame, and bytes of the text of one. */
  notices: 256,
  noticeBytes: 8_192,
  nonceBytes: 32,
  tokenBytes: 16,
  headBytes: 32,
  signatureBytes: 64,
  /** UTF-16 code units of what BYE says besides its code. */
  detailLength: 256,
} as const
