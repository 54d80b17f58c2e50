import type { ManyStreamEvent, StreamEvent } from '@dred/protocol'
import { deliveredJson } from '../log-reader.ts'
import type { LoggedMessage } from '../store/port.ts'
import type { Chunk } from './chunk.ts'

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

/** Without reading the signed text again. */
export function messageFrame(format: StreamFormat, entry: LoggedMessage['entry'], cursor: string): string {
  return format.frame('message', cursor, `{"type":"message",${deliveredJson(entry, cursor).slice(1)}`)
}

/** @param cursor where to go on after the event, when it does not say so itself */
export function eventFrame(format: StreamFormat, event: StreamEvent | ManyStreamEvent, cursor?: string): string {
  const own = 'cursor' in event ? event.cursor : undefined
  return format.frame(event.type, own ?? cursor, JSON.stringify(event))
}

/** One chunk for each format in use, made when it is first asked for. */
export function onePerFormat(make: (format: StreamFormat) => Chunk): (format: StreamFormat) => Chunk {
  const made = new Map<StreamFormat, Chunk>()
  return (format) => {
    const chunk = made.get(format) ?? make(format)
    made.set(format, chunk)
    return chunk
  }
}
