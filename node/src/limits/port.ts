/** Something that a device signed, after its signature was verified. */
export interface Sent {
  channel: string
  /** The key that it is signed with. */
  device: string
  /** Wallet that the device acts for, as far as it has proved that to this server. */
  wallet: string | undefined
  /** Bytes of its canonical form. */
  bytes: number
}

/** What senders and channels may do. Nothing is charged to them that they have not signed: that goes to the address it came from. */
export interface Allowances {
  /**
   * Takes what a message costs out of the buckets of its sender (the wallet where there is one, else the device) and of its channel.
   * @returns a promise only when the other processes of this server may have to be asked
   * @throws RateLimited; DredError `rate_limited` for who is blocked
   */
  sent(sent: Sent): void | Promise<void>
  /** Gives back what was taken for a message that was there already: whoever repeats what another signed does not spend its allowance. */
  repeated(sent: Sent): void
}

/** Of a server without limits. */
export const unlimited: Allowances = { sent: () => undefined, repeated: () => undefined }

/** Asks for tokens of one bucket. */
export interface TokenRequest {
  /** Of the bucket: scope and key. */
  name: string
  /** Fewer are of no use. */
  least: number
  want: number
  burst: number
  perSecond: number
}

export interface TokenGrant {
  /** 0, or from `least` to `want`. */
  tokens: number
  /** Milliseconds until `least` will be there, when none were granted. */
  waitMs: number
}

/** Buckets that all processes of one server draw from. */
export interface TokenPool {
  /** All requests in one step; one grant for each, in their order. @throws when the pool is out of reach */
  take(requests: readonly TokenRequest[]): Promise<TokenGrant[]>
}
