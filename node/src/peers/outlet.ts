import { controlBytes, type CoreFrame, encodeFrame, type ListOf, type NoticeFrame, type WireEntry } from '@dred/protocol/relay'
import type { ReplicationEvents } from './port.ts'

/** Makes bytes of what is sent to peers, and counts them. */
export class Outlet {
  /** Of entries. */
  bodyBytes = 0
  /** Of everything else. */
  controlBytes = 0
  readonly #listOf: ListOf
  readonly #events: ReplicationEvents | undefined

  constructor(listOf: ListOf, events: ReplicationEvents | undefined) {
    this.#listOf = listOf
    this.#events = events
  }

  encode(frame: CoreFrame | NoticeFrame): Uint8Array {
    const bytes = encodeFrame(frame, this.#listOf)
    const control = controlBytes(frame, bytes.length)
    this.controlBytes += control
    this.bodyBytes += bytes.length - control
    if (frame.type === 'MSG') this.#count([frame.entry])
    else if (frame.type === 'BATCH') this.#count(frame.entries)
    return bytes
  }

  #count(entries: readonly WireEntry[]): void {
    for (const { kind } of entries) if (kind === 'message' || kind === 'genesis') this.#events?.sent({ kind })
  }
}
