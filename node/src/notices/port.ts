/**
 * A small signed statement with an end, which every server of the neighborhood is to know for as long as it holds. Of those about the
 * same thing the latest wins; nothing is ordered, and nothing is kept beyond its end.
 */
export interface Notice {
  kind: NoticeKind
  /** What it is about, such as `<channel>/<device key>`. */
  about: string
  /** Unix ms at which it was signed: the later of two about the same thing wins, of two of one time the greater text. */
  at: number
  /** Unix ms. */
  expiresAt: number
  /** The statement as JSON text, with its signature: what servers pass on. */
  text: string
}

export type NoticeKind = 'presence' | 'revocation'

/** Judges what a peer sent. @throws DredError for what does not hold */
export type NoticeJudge = (text: string) => Promise<Notice>

export interface Notices {
  /** Says how notices of a kind are judged that peers send; those of others are dropped. Revocations outlive the process, presence does not. */
  register(kind: NoticeKind, judge: NoticeJudge): void
  /** Takes a notice that was judged, from a client; tells it to the other processes of this server and to its peers. */
  take(notice: Notice): Promise<void>
  /** What holds now about one thing. */
  get(kind: NoticeKind, about: string): Notice | undefined
  /** What holds now about all things whose name begins like this. */
  about(kind: NoticeKind, prefix: string): Notice[]
  /**
   * Called for every notice that is new here, wherever it came from, and with `ended` for one whose time is over.
   * @returns the way to stop it
   */
  on(kind: NoticeKind, listener: (notice: Notice, ended: boolean) => void): () => void
}

/** What the links to peers need: they are told what is new, and bring what peers say. */
export interface NoticeSpread {
  /** All that holds, in the order in which it came. */
  all(): Iterable<Notice>
  /**
   * @param listener called for what is new here, with the peer that it came from, if it did
   * @returns the way to stop it
   */
  onNew(listener: (notice: Notice, from: number | undefined) => void): () => void
  /** Takes what a peer says. Never throws: what does not hold is dropped. */
  heard(peer: number, kind: string, text: string): void
}
