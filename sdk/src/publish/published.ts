import type { Receipt } from '@dred/protocol'
import type { Server } from '../discovery.ts'

/** Proof that a message is stored. */
export interface Published {
  /** The message's id: the same whichever server took it, and however often it was sent. */
  id: string
  /** Where it is, and on how many servers, signed by the server that took it: can be shown to others, see `verifyReceipt`. */
  receipt: Receipt
  /** Ids of the messages that the message names as seen before. */
  prev: readonly string[]
  /** The server that took it. */
  server: Server
}
