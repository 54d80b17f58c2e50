/** All messages up to `n` of one incarnation of a server: head(n) = SHA-256(head(n - 1) ‖ id(n)), 32 zero bytes for none. */
export interface Head {
  server: number
  incarnation: number
  n: number
  /** 32 bytes. */
  head: Uint8Array
}

/** A head that its server signed as the `RelayHead` of the server registry, 64 bytes. Two different ones of one count are slashable. */
export interface SignedHead extends Head {
  signature: Uint8Array
}

/** What round trips a server measures to the others. */
export interface LatencyRow {
  server: number
  /** Unix milliseconds: of two rows the later one counts. */
  clock: number
  /** Names the list of servers that the row is in the order of; see `epochOf`. */
  epoch: number
  /** A byte for each server in ascending order of id: see `encodeRoundTrip`; 0 where there is no link. */
  roundTrips: Uint8Array
}

/** What a server stored of what another one was the first to send it. */
export interface Receipt {
  /** Who stored, and signs. */
  server: number
  /** Who sent. */
  sender: number
  /** Unix milliseconds. */
  clock: number
  /** Of each origin: how many of its messages came first from the sender since the last receipt, and up to where all are stored. */
  items: readonly { server: number; incarnation: number; upTo: number; count: number }[]
}

export interface SignedReceipt extends Receipt {
  signature: Uint8Array
}

/** What servers sign for each other. */
export type RelayStatement = { kind: 'head'; head: Head } | { kind: 'latency'; row: LatencyRow } | { kind: 'receipt'; receipt: Receipt }
