/** What a message survives once its publisher was told that it is taken. */
export type Durability =
  /** Nothing is kept. */
  | 'none'
  /** Written to a file by every server that answers, flushed to disk every second: the end of the process loses nothing, a power cut a second. */
  | 'every second'
  /** Written to a file, flushed to disk when the system sees fit, or every minute or two. */
  | 'page cache'

/** A kind of server that can be measured. */
export interface System {
  readonly name: string
  readonly label: string
  readonly durability: Durability
  /** @throws Unavailable when it cannot run here */
  start(options: StartOptions): Promise<Cluster>
}

/** Why a system cannot be measured here. */
export class Unavailable extends Error {
  override readonly name = 'Unavailable'
}

export interface StartOptions {
  /** How many servers that pass messages on to each other. */
  servers: number
  /** An empty folder for data and logs. */
  folder: string
  /** A folder for CPU profiles of Dred's processes. */
  profile?: string | undefined
}

/** Running servers. Servers are numbered from 0. */
export interface Cluster {
  /** All processes whose time and memory count. */
  readonly pids: readonly number[]
  /** Those of them that serve clients; the others keep the data. */
  readonly frontPids: readonly number[]
  /** That share the load of one server; default 1. */
  readonly processes?: number
  readonly versions: Record<string, string>
  createChannels(count: number): Promise<string[]>
  /** Everything that a publisher does before it sends: encoding, and signing where messages are signed. */
  prepare(messages: readonly Message[]): Promise<Parcel>
  /** @param answered is told when the server has taken what was last sent: durably, if the system promises that */
  publisher(server: number, answered: Answered): Promise<Publisher>
  /** Resolves when messages that are published from now on will come. */
  subscribe(channel: string, server: number, reader: (bytes: Buffer) => void): Promise<Subscriber>
  stop(): Promise<void>
}

export type Answered = (error?: Error) => void

export interface Message {
  n: number
  channel: string
  text: string
}

/** Messages as the bytes that go to a server in one piece. */
export interface Parcel {
  readonly numbers: readonly number[]
  readonly bytes: Buffer
  /** Ids that the server has to answer with. */
  readonly ids?: readonly string[]
}

export interface Publisher {
  /** One parcel at a time. False: nothing will answer, the message's delivery has to do. */
  readonly acknowledges: boolean
  send(parcel: Parcel): void
  close(): void
}

export interface Subscriber {
  /** Stops reading from the socket. */
  pause(): void
  close(): void
}
