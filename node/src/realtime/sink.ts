import type { ServerResponse } from 'node:http'
import { Http2ServerResponse, type ServerHttp2Stream } from 'node:http2'
import type { Socket } from 'node:net'
import type { Chunk } from './chunk.ts'

/** Where a stream is written to. */
export interface Sink {
  /** Bytes written that the reader has not taken. */
  readonly bufferedBytes: number
  /** @param chunks not empty, in order; they leave together */
  write(...chunks: readonly Chunk[]): void
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
  if (response instanceof Http2ServerResponse) return new ResponseSink(response.stream, undefined)
  return new ResponseSink(response, ownSocket(response))
}

/**
 * The socket of a chunked response that nothing stands before: chunks that are framed already can be written to it directly, one write
 * for what the response would split in three and copy together.
 */
function ownSocket({ socket, chunkedEncoding, writableLength }: ServerResponse): Socket | undefined {
  return socket && chunkedEncoding && writableLength === socket.writableLength ? socket : undefined
}

class ResponseSink implements Sink {
  readonly #response: ServerResponse | ServerHttp2Stream
  readonly #socket: Socket | undefined

  constructor(response: ServerResponse | ServerHttp2Stream, socket: Socket | undefined) {
    this.#response = response
    this.#socket = socket
    // A connection that breaks ends in 'close' too, which is where it is dealt with.
    response.on('error', ignore)
  }

  get bufferedBytes(): number {
    return this.#response.writableLength
  }

  write(...chunks: readonly Chunk[]): void {
    const { destroyed, writableEnded } = this.#response
    if (destroyed || writableEnded) return
    const into = this.#socket ?? this.#response
    const together = chunks.length > 1
    if (together) into.cork()
    for (const chunk of chunks) into.write(this.#socket ? chunk.framed : chunk.bytes)
    if (together) into.uncork()
  }

  drained(): Promise<void> {
    const { destroyed, writableLength } = this.#response
    const from = this.#socket ?? this.#response
    if (destroyed || !from.writableNeedDrain || writableLength < COMFORTABLE_BYTES) return Promise.resolve()
    return new Promise((resolve) => {
      const release = (): void => {
        from.off('drain', release)
        this.#response.off('close', release)
        resolve()
      }
      from.on('drain', release)
      this.#response.on('close', release)
    })
  }

  end(graceMs: number): void {
    const response = this.#response
    if (response.destroyed || response.writableEnded) return
    response.end()
    const timer = setTimeout(() => response.destroy(), graceMs)
    timer.unref()
    response.on('close', () => clearTimeout(timer))
  }

  onClose(listener: () => void): void {
    if (this.#response.destroyed) queueMicrotask(listener)
    else this.#response.once('close', listener)
  }
}

function ignore(): void {}
