import type { IncomingMessage, ServerResponse } from 'node:http'
import type { ErrorCode, Receipt, StreamEvent, VerifiedMessage } from '@dred/protocol'
import type { TestKey } from './server-key.ts'

/** What goes wrong at a relay. Unset: nothing. */
export interface Faults {
  /** Milliseconds before anything is answered. */
  delayMs?: number
  /** The next POSTs are stored and their connection is cut before the answer. */
  cutAnswers?: number
  /** The next requests for a path that contains `path` get this error. */
  refuse?: { path: string; code: ErrorCode; times: number; retryAfter?: string }
  /** Refuses these messages, alone or in a batch, and takes the others. */
  refuseMessage?: (message: VerifiedMessage) => ErrorCode | undefined
  /** Streams write half of their n-th message's line and are cut; counted from 1, once. */
  cutMidLineAt?: number
  /** Streams write nothing any more, keepalives neither. */
  silent?: boolean
  /** Changes a message's line on its way out. */
  corrupt?: (event: Record<string, unknown>) => Record<string, unknown>
  /** The streams' open event does not come until this resolves. */
  holdOpen?: Promise<void>
  /** Streams with history or without end with this close event at once. */
  close?: Extract<StreamEvent, { type: 'close' }>['reason']
  /** What streams say right behind their open event, whether it makes sense or not. */
  says?: unknown[]
  /** Signs what it says about storage with this key. */
  signsWith?: TestKey
  /** What is other in its receipts: as it signs them, and after that. */
  signedReceipt?: Partial<Receipt>
  sentReceipt?: Partial<Receipt>
  /** Answers requests itself where it returns true. */
  answer?: (request: IncomingMessage, response: ServerResponse) => boolean
}
