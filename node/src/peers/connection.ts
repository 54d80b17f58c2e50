import type { Duplex } from 'node:stream'
import { encodeFrame, FrameReader, isLinkErrorCode, LinkError, type ListOf, type RelayFrame, relayLimits } from '@dred/protocol/relay'

/** Milliseconds that a closing connection has to hand over its last frame. */
const FAREWELL_MS = 250

/** Milliseconds of writing whose age is told as one. */
const MARK_MS = 25

/** Up to which of all bytes something was handed over at a time. */
interface Mark {
  upTo: number
  /** As `performance.now()`. */
  at: number
}

/** Frames over a duplex stream. Whoever it was given to closes it; afterwards the stream is destroyed. */
export class Connection {
  readonly stream: Duplex
  /** Resolves, never rejects, once the stream is closed: why. */
  readonly ended: Promise<LinkError>
  readonly #reader: FrameReader
  #reason: LinkError | undefined
  #written = 0
  #marks: Mark[] = []
  #corked = false

  /** @param listOf gives the servers that an epoch names */
  constructor(stream: Duplex, listOf: ListOf) {
    this.stream = stream
    this.#reader = new FrameReader(relayLimits.helloFrameBytes, listOf)
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
    return this.stream.destroyed ? 0 : this.stream.writableLength
  }

  /** Milliseconds for which the oldest of them have waited. */
  get queuedMs(): number {
    this.#forgetTaken()
    return this.#marks[0] ? performance.now() - this.#marks[0].at : 0
  }

  /** Once the peer has proved who it is. */
  allowLargeFrames(): void {
    this.#reader.maxBytes = relayLimits.frameBytes
  }

  send(frame: RelayFrame): void {
    this.sendBytes(encodeFrame(frame))
  }

  /** @param bytes of encoded frames; those of one moment are written together */
  sendBytes(bytes: Uint8Array): void {
    if (!this.open) return
    if (!this.#corked) {
      this.#corked = true
      this.stream.cork()
      process.nextTick(() => {
        this.#corked = false
        this.stream.uncork()
      })
    }
    this.stream.write(bytes)
    this.#mark(bytes.length)
  }

  /**
   * What the peer says, until it ends; nothing is read ahead of what is asked for.
   * @throws LinkError for bytes that are no frames, and with the reason that the peer gives in a BYE
   */
  async *frames(): AsyncGenerator<RelayFrame, void> {
    for await (const chunk of this.stream.iterator({ destroyOnReturn: false }) as AsyncIterable<Uint8Array>) {
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

  #mark(length: number): void {
    const now = performance.now()
    this.#written += length
    this.#forgetTaken()
    const last = this.#marks.at(-1)
    if (last && now - last.at < MARK_MS) last.upTo = this.#written
    else this.#marks.push({ upTo: this.#written, at: now })
  }

  #forgetTaken(): void {
    const taken = this.#written - this.queuedBytes
    while (this.#marks[0] && this.#marks[0].upTo <= taken) this.#marks.shift()
  }
}

/** Thrown for what the peer said; closing after it says nothing back. */
export class PeerLeft extends LinkError {}

function farewell({ code, detail }: { code: string; detail: string }): PeerLeft {
  return new PeerLeft(isLinkErrorCode(code) ? code : 'disconnected', `The peer ended the link: ${detail}`)
}
