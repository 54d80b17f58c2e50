/**
 * Who forwards what to whom. A message carries its cover: the servers that the receiver has to serve. Each topology splits a
 * cover among the peers that are sent to directly; sibling covers are disjoint, so a body reaches a server once.
 */
export interface Topology {
  readonly name: 'spt' | 'star' | 'ring'
  /** Whether the last server on a message's way tells its origin, as the group's confirmation. */
  readonly comesHome: boolean
  /**
   * @param self id of the server that forwards
   * @param cover ids of the servers to be served in ascending order, `self` not among them
   */
  route(self: number, cover: readonly number[], view: RoutingView): Route
}

export interface Route {
  /** Each peer to send to, with the cover it takes over (ascending, without itself). */
  readonly parts: readonly (readonly [peer: number, subCover: readonly number[]])[]
  /** Expected one-way milliseconds from `self` to each server that is reached. */
  readonly delayMs: ReadonlyMap<number, number>
  /** Each reached server's expected sender. */
  readonly parent: ReadonlyMap<number, number>
  /** Servers of the cover to which no way is known. */
  readonly unreachable: readonly number[]
}

/** What the forwarding server knows of the network. */
export interface RoutingView {
  /** Expected one-way milliseconds of the link between two servers; undefined where there is none. */
  latencyMs(from: number, to: number): number | undefined
  /** Whether a server may be given others to serve. */
  relays(server: number): boolean
}
