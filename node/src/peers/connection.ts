import type { Duplex } from 'node:stream'
import { encodeFrame, type Frame, FrameReader, isLinkErrorCode, LinkError, relayLimits } from '@dred/protocol/relay'

/** Milliseconds that a closing connection has to hand over its last frame. */
const FAREWELL_MS = 250

/** Frames over a duplex stream. Whoever it was given to closes it; afterwards the stream is destroyed. */
export class Connection {
  readonly stream: Duplex
  /** Resolves, never rejects, once the stream is closed: why. */
  readonly ended: Promise<LinkError>
  /** When something last arrived, as `performance.now()`. */
  heardAt = performance.now()
  readonly #reader = new FrameReader(relayLimits.helloFrameBytes)
  #reason: LinkError | undefined

  constructor(stream: Duplex) {
    this.stream = stream
    // An error is followed by `close`; without a listener it would end the process.
    stream.on('error', (error) => (this.#reason ??= new LinkError('disconnected', undefined, error)))
    this.ended = new Promise((resolve) => {
      const end = () => resolve((this.#reason ??= new LinkError('disconnected')))
      if (stream.closed) end()
      else stream.once('close', end)
    })
  }

  get open(): boolean {
    return this.#reason === undefined && !this.stream.destroyed && this.stream.writable
  }

  /** Bytes handed over that the peer has not taken yet. */
  get queuedBytes(): number {
    return this.stream.writableLength
  }

  /** Once the peer has proved who it is. */
  allowLargeFrames(): void {
    this.#reader.maxBytes = relayLimits.frameBytes
  }

  send(frame: Frame): void {
    this.sendBytes(encodeFrame(frame))
  }

  /** @param bytes of encoded frames */
  sendBytes(bytes: Uint8Array): void {
    if (this.open) this.stream.write(bytes)
  }

  /** Resolves once at most `bytes` are queued, or the connection is closed. */
  async drained(bytes: number): Promise<void> {
    while (this.open && this.queuedBytes > bytes) {
      await new Promise<void>((resolve) => {
        const done = () => {
          this.stream.off('drain', done)
          this.stream.off('close', done)
          resolve()
        }
        this.stream.once('drain', done)
        this.stream.once('close', done)
      })
    }
  }

  /**
   * What the peer says, until it ends; nothing is read ahead of what is asked for.
   * @throws LinkError for bytes that are no frames, and with the reason that the peer gives in a BYE
   */
  async *frames(): AsyncGenerator<Frame, void> {
    for await (const chunk of this.stream.iterator({ destroyOnReturn: false }) as AsyncIterable<Uint8Array>) {
      this.heardAt = performance.now()
      for (const frame of this.#reader.read(chunk)) {
        if (frame.type === 'BYE') throw farewell(frame)
        yield frame
      }
    }
  }

  /**
   * Says why, and ends the stream.
   * @param tell false when it was the peer that ended it
   */
  close(reason: LinkError, tell = true): void {
    if (this.#reason) return
    if (tell && reason.code !== 'disconnected') this.send({ type: 'BYE', code: reason.code, detail: reason.message })
    this.#reason = reason
    if (this.stream.destroyed) return
    const timer = setTimeout(() => this.stream.destroy(), FAREWELL_MS)
    this.stream.once('close', () => clearTimeout(timer))
    this.stream.end(() => this.stream.destroy())
  }
}

/** Thrown for what the peer said; closing after it says nothing back. */
export class PeerLeft extends LinkError {}

function farewell({ code, detail }: { code: string; detail: string }): PeerLeft {
  return new PeerLeft(isLinkErrorCode(code) ? code : 'disconnected', `The peer ended the link: ${detail}`)
}
