/**
 * Who forwards what to whom. A push carries its cover: the servers that the receiver has to serve. Each topology splits a
 * cover among the peers that are sent to directly; sibling covers are disjoint, so a body reaches a server once.
 */
export interface Topology {
  /**
   * @param self id of the server that forwards
   * @param cover ids of the servers to be served, `self` not among them
   * @returns each peer to send to, with the cover it takes over (without itself)
   */
  parts(self: number, cover: readonly number[], view: LatencyView): [peer: number, subCover: number[]][]
  /** Expected milliseconds from `self` to `target`. */
  expectedDelay(self: number, target: number, view: LatencyView): number
}

/** Measured one-way latencies in milliseconds; undefined where nothing was measured. */
export interface LatencyView {
  latencyMs(from: number, to: number): number | undefined
}

/** The origin sends to every server itself: one hop, and nobody depends on another's forwarding. */
export const star: Topology = {
  parts: (_self, cover) => cover.map((peer) => [peer, []]),
  expectedDelay: (self, target, view) => view.latencyMs(self, target) ?? Number.POSITIVE_INFINITY,
}
