import type { CloseReason, ProblemDocument, StoredEvent } from '@dred/protocol'
import { deliveredJson } from '../log-reader.ts'
import type { LoggedMessage } from '../store/port.ts'

/** How events are laid out on the wire. */
export interface StreamFormat {
  readonly contentType: string
  /**
   * @param cursor none for an event that is no place to go on from
   * @param json one event as JSON text, without line breaks
   */
  frame(type: string, cursor: string | undefined, json: string): string
}

export const ndjson: StreamFormat = {
  contentType: 'application/x-ndjson; charset=utf-8',
  frame: (_type, _cursor, json) => `${json}\n`,
}

export const serverSentEvents: StreamFormat = {
  contentType: 'text/event-stream; charset=utf-8',
  frame: (type, cursor, json) => `event: ${type}\n${cursor === undefined ? '' : `id: ${cursor}\n`}data: ${json}\n\n`,
}

export function openFrame(format: StreamFormat, fields: { channel: string; server: number; cursor: string }): string {
  return format.frame('open', fields.cursor, JSON.stringify({ type: 'open', ...fields }))
}

export function messageFrame(format: StreamFormat, entry: LoggedMessage['entry'], cursor: string): string {
  return format.frame('message', cursor, `{"type":"message",${deliveredJson(entry, cursor).slice(1)}`)
}

export function caughtUpFrame(format: StreamFormat, cursor: string): string {
  return format.frame('control', cursor, JSON.stringify({ type: 'control', cursor, caughtUp: true }))
}

export function storedFrame(format: StreamFormat, event: StoredEvent): string {
  return format.frame('stored', undefined, JSON.stringify(event))
}

export function keepaliveFrame(format: StreamFormat, cursor: string): string {
  return format.frame('keepalive', cursor, JSON.stringify({ type: 'keepalive', cursor }))
}

export function errorFrame(format: StreamFormat, problem: ProblemDocument, cursor: string): string {
  return format.frame('error', cursor, JSON.stringify({ ...problem, type: 'error' }))
}

export function closeFrame(format: StreamFormat, close: { reason: CloseReason; retryMs: number; cursor: string }): string {
  return format.frame('close', close.cursor, JSON.stringify({ type: 'close', ...close }))
}
