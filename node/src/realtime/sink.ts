import type { ServerResponse } from 'node:http'
import { Http2ServerResponse, type ServerHttp2Stream } from 'node:http2'

/** Where a stream is written to. */
export interface Sink {
  /** Bytes written that the reader has not taken. */
  readonly bufferedBytes: number
  /** @param chunk may be shared: it is not changed */
  write(chunk: Buffer): void
  /** Resolves when what was written has left, at least down to a comfortable level, and also when the sink is closed. */
  drained(): Promise<void>
  /** Ends after what was written; cuts the connection off when the reader does not take it within `graceMs`. */
  end(graceMs: number): void
  /** Called once, when nothing more can be written. */
  onClose(listener: () => void): void
}

const COMFORTABLE_BYTES = 262_144

/** A sink over the body of a response whose head has been flushed; HTTP/1.1 and HTTP/2. */
export function responseSink(response: ServerResponse | Http2ServerResponse): Sink {
  const writable: ServerResponse | ServerHttp2Stream = response instanceof Http2ServerResponse ? response.stream : response
  const waiting = new Set<() => void>()
  const release = (): void => {
    for (const resolve of waiting) resolve()
    waiting.clear()
  }
  writable.on('drain', release)
  writable.on('close', release)
  // A connection that breaks ends in 'close' too, which is where it is dealt with.
  writable.on('error', release)
  return {
    get bufferedBytes() {
      return writable.writableLength
    },
    write(chunk) {
      if (!writable.destroyed && !writable.writableEnded) writable.write(chunk)
    },
    drained() {
      if (writable.destroyed || !writable.writableNeedDrain || writable.writableLength < COMFORTABLE_BYTES) return Promise.resolve()
      return new Promise((resolve) => waiting.add(resolve))
    },
    end(graceMs) {
      if (writable.destroyed || writable.writableEnded) return
      writable.end()
      const timer = setTimeout(() => writable.destroy(), graceMs)
      timer.unref()
      writable.on('close', () => clearTimeout(timer))
    },
    onClose(listener) {
      if (writable.destroyed) queueMicrotask(listener)
      else writable.once('close', listener)
    },
  }
}
