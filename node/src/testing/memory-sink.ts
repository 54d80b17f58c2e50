import type { StreamEvent } from '@dred/protocol'
import type { Chunk } from '../realtime/chunk.ts'
import type { Sink } from '../realtime/sink.ts'

/** A reader in this process. Takes everything at once unless it is paused. */
export class MemorySink implements Sink {
  readonly chunks: Chunk[] = []
  writes = 0
  bufferedBytes = 0
  hasEnded = false
  #paused = false
  #waiting: (() => void)[] = []
  #onClose: (() => void)[] = []
  #onResume: (() => void)[] = []

  /** What was received of an NDJSON stream. */
  readonly events: StreamEvent[] = []

  get messages(): Extract<StreamEvent, { type: 'message' }>[] {
    return this.events.filter((event) => event.type === 'message')
  }

  pause(): void {
    this.#paused = true
  }

  resume(): void {
    this.#paused = false
    this.bufferedBytes = 0
    for (const resolve of this.#onResume.splice(0)) resolve()
  }

  write(...chunks: readonly Chunk[]): void {
    this.writes++
    this.chunks.push(...chunks)
    for (const { bytes } of chunks) {
      for (const line of bytes.toString().split('\n')) if (line.startsWith('{')) this.events.push(JSON.parse(line) as StreamEvent)
      if (this.#paused) this.bufferedBytes += bytes.length
    }
    for (const resolve of this.#waiting.splice(0)) resolve()
  }

  async drained(): Promise<void> {
    if (!this.#paused) return
    await new Promise<void>((resolve) => {
      this.#onClose.push(resolve)
      this.#onResume.push(resolve)
    })
  }

  end(): void {
    this.hasEnded = true
    this.leave()
  }

  onClose(listener: () => void): void {
    this.#onClose.push(listener)
  }

  /** The reader goes away. */
  leave(): void {
    for (const listener of this.#onClose.splice(0)) listener()
  }

  async until(condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise<void>((resolve) => this.#waiting.push(resolve))
  }
}
