import { type ClientHttp2Session, connect } from 'node:http2'
import type { StreamEvent } from '@dred/protocol'

/** A reader of one stream that lets a test wait for what is to come. */
export class StreamReader {
  readonly events: StreamEvent[] = []
  readonly headers: Record<string, string>
  /** Everything received, as text. */
  text = ''
  /** Resolves when the stream has ended, however it did. */
  readonly ended: Promise<void>
  readonly #stop: () => void
  #waiting: (() => void)[] = []
  #isOver = false

  private constructor(headers: Record<string, string>, chunks: AsyncIterable<Uint8Array>, stop: () => void) {
    this.headers = headers
    this.#stop = stop
    this.ended = this.#read(chunks)
  }

  /** Over HTTP/1.1. @throws when the answer is not 200 */
  static async open(this: void, url: string, headers: Record<string, string> = {}): Promise<StreamReader> {
    return StreamReader.#fetch(url, { headers })
  }

  /** The answer to a request with a body. @throws when it is not 200 */
  static async post(this: void, url: string, body: unknown, headers: Record<string, string> = {}): Promise<StreamReader> {
    const init = { method: 'POST', body: JSON.stringify(body), headers: { 'content-type': 'application/json', ...headers } }
    return StreamReader.#fetch(url, init)
  }

  static async #fetch(url: string, init: RequestInit): Promise<StreamReader> {
    const controller = new AbortController()
    const response = await fetch(url, { ...init, signal: controller.signal })
    if (response.status !== 200 || !response.body) throw new Error(`${response.status} ${await response.text()}`)
    return new StreamReader(Object.fromEntries(response.headers), response.body, () => controller.abort())
  }

  /** Over HTTP/2 without TLS, on a session of its own. @throws when the answer is not 200 */
  static async openHttp2(this: void, url: string, headers: Record<string, string> = {}): Promise<StreamReader> {
    const { origin, pathname, search } = new URL(url)
    const session: ClientHttp2Session = connect(origin)
    const stream = session.request({ ':path': pathname + search, ...headers })
    const answer = await new Promise<Record<string, unknown>>((resolve, reject) => {
      stream.on('response', resolve).on('error', reject)
      session.on('error', reject)
    })
    if (answer[':status'] !== 200) throw new Error(String(answer[':status']))
    const reader = new StreamReader(Object.fromEntries(Object.entries(answer).map(([name, value]) => [name, String(value)])), stream, () =>
      stream.close(),
    )
    void reader.ended.then(() => session.close())
    return reader
  }

  /** The messages received, in order. */
  get messages(): Extract<StreamEvent, { type: 'message' }>[] {
    return this.events.filter((event) => event.type === 'message')
  }

  /** Waits until the events satisfy a condition. @throws when the stream ends before */
  async until(condition: (reader: StreamReader) => boolean): Promise<void> {
    while (!condition(this)) {
      if (this.#isOver) throw new Error(`The stream ended: ${this.text.slice(-500)}`)
      await new Promise<void>((resolve) => this.#waiting.push(resolve))
    }
  }

  untilCaughtUp(): Promise<void> {
    return this.until(({ events }) => events.some(({ type }) => type === 'control'))
  }

  stop(): void {
    this.#stop()
  }

  async #read(chunks: AsyncIterable<Uint8Array>): Promise<void> {
    const decoder = new TextDecoder()
    let rest = ''
    try {
      for await (const chunk of chunks) {
        const text = decoder.decode(chunk, { stream: true })
        this.text += text
        const lines = (rest + text).split('\n')
        rest = lines.pop() ?? ''
        for (const line of lines) {
          const json = line.startsWith('data: ') ? line.slice(6) : line
          if (json.startsWith('{')) this.events.push(JSON.parse(json) as StreamEvent)
        }
        this.#wake()
      }
    } catch {
      // Stopped by the test, or cut off by the server: what was received tells.
    }
    this.#isOver = true
    this.#wake()
  }

  #wake(): void {
    for (const resolve of this.#waiting.splice(0)) resolve()
  }
}
