import type { Bus } from './bus.ts'

/** What a store is to the several processes of one server that use it at once. */
export interface SharedStore {
  /** Names this process among them; another one after every start. */
  readonly process: string
  /** In which all of them count, as far as this one has heard; 0 before the first. */
  readonly incarnation: number
  /**
   * Called with a later incarnation, before an entry of it is announced.
   * @returns the way to stop it
   */
  onIncarnation(listener: (incarnation: number) => void): () => void
  /** Begins an incarnation: right away, or with the next append if the store is out of reach. What is read from now on is read after. */
  begin(incarnation: number): void
  /**
   * Says that this process lives, and leads on if it leads; it begins to when nobody does.
   * @throws DredError `store_unavailable`
   */
  attend(bid: Bid): Promise<Attendance>
  /** Called when the process that led has left. @returns the way to stop it */
  onVacant(listener: () => void): () => void
  /** Says that this process ends. @param term in which it leads; 0 when it does not */
  leave(term: number): Promise<void>
  /** A random text that nobody else knows. @throws DredError `store_unavailable` */
  secret(): Promise<string>
  readonly bus: Bus
}

export interface Bid {
  /** Milliseconds after which another process may lead unless this one has attended again. */
  leaseMs: number
  /** In which this process leads; 0 when it does not. */
  term: number
  /** The latest that it knows of: its own will be later. */
  knownTerm: number
  /** `host:port` at which it takes over connections of peers. */
  address: string | undefined
}

export interface Attendance {
  /** The process that leads. */
  leader: string
  /** Grows whenever another process leads, or one does again. */
  term: number
  address: string | undefined
  /** Processes that are alive, this one among them. */
  processes: number
}
