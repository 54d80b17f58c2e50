import type { Notice, NoticeJudge } from './port.ts'

/** Characters that may wait to be judged, of one peer and kind. */
const WAITING = 1_048_576

export interface IntakeOptions {
  judge: (kind: string) => NoticeJudge | undefined
  /** Whether a text need not be judged any more. */
  has: (kind: string, text: string) => boolean
  judged: (notice: Notice, peer: number) => void
  /** Called for each notice that comes to nothing, with why when it was judged. */
  dropped: (kind: string, error?: unknown) => void
}

interface Queue {
  texts: string[]
  characters: number
}

/** Has judged what peers send, of each peer and kind one after the other, so that nobody's costly ones hold up the others. */
export class Intake {
  readonly #options: IntakeOptions
  readonly #queues = new Map<string, Queue>()

  constructor(options: IntakeOptions) {
    this.#options = options
  }

  /** Never rejects. What is too much is dropped: peers say again what holds. */
  heard(peer: number, kind: string, text: string): void {
    const { judge, has, dropped } = this.#options
    if (has(kind, text)) return
    const name = `${peer} ${kind}`
    const waiting = this.#queues.get(name)
    if (!judge(kind) || (waiting && waiting.characters + text.length > WAITING)) return dropped(kind)
    const queue = waiting ?? { texts: [], characters: 0 }
    queue.texts.push(text)
    queue.characters += text.length
    if (waiting) return
    this.#queues.set(name, queue)
    void this.#work(name, { peer, kind, queue })
  }

  async #work(name: string, { peer, kind, queue }: { peer: number; kind: string; queue: Queue }): Promise<void> {
    for (let text = queue.texts.shift(); text !== undefined; text = queue.texts.shift()) {
      await this.#judge(peer, kind, text)
      queue.characters -= text.length
    }
    this.#queues.delete(name)
  }

  async #judge(peer: number, kind: string, text: string): Promise<void> {
    const { judge, has, judged, dropped } = this.#options
    if (has(kind, text)) return
    try {
      const notice = await judge(kind)?.(text)
      if (notice?.kind === kind) judged({ ...notice, text }, peer)
      else dropped(kind)
    } catch (error) {
      dropped(kind, error)
    }
  }
}
