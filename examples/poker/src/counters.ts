/** What a server has counted of messages. */
export interface Counters {
  /** Published to this server by clients. */
  accepted: number
  /** Taken over from other servers. */
  replicated: number
  /** Sent to readers. */
  delivered: number
}

const metrics: Record<keyof Counters, RegExp> = {
  accepted: /^dred_messages_accepted_total(?:\{[^}]*\})? (\S+)/,
  replicated: /^dred_messages_replicated_total\{[^}]*result="stored"[^}]*\} (\S+)/,
  delivered: /^dred_messages_delivered_total(?:\{[^}]*\})? (\S+)/,
}

function sum(lines: readonly string[], pattern: RegExp): number {
  return lines.reduce((total, line) => total + Number(pattern.exec(line)?.[1] ?? 0), 0)
}

/** Reads the counters from a server's metrics in Prometheus text format. */
export function parseCounters(text: string): Counters {
  const lines = text.split('\n')
  return { accepted: sum(lines, metrics.accepted), replicated: sum(lines, metrics.replicated), delivered: sum(lines, metrics.delivered) }
}

/** Adds up what a server counts from the first reading on; a server that restarts counts from zero again. */
export class CounterSum {
  readonly total: Counters = { accepted: 0, replicated: 0, delivered: 0 }
  #last: Counters | undefined

  add(reading: Counters): void {
    for (const name of ['accepted', 'replicated', 'delivered'] as const) {
      const last = this.#last?.[name] ?? reading[name]
      this.total[name] += reading[name] < last ? reading[name] : reading[name] - last
    }
    this.#last = reading
  }
}

const POLL_MS = 1_000
const TIMEOUT_MS = 2_000

/** Follows one server's counters by its admin address; a server that cannot be reached keeps what it counted before. */
export class CounterWatch {
  readonly #sum = new CounterSum()
  readonly #url: string
  readonly #timer: ReturnType<typeof setInterval>

  constructor(adminUrl: string) {
    this.#url = new URL('/metrics', adminUrl).href
    this.#timer = setInterval(() => void this.read(), POLL_MS)
    this.#timer.unref()
  }

  /** Reads once more now. */
  async read(): Promise<Counters> {
    try {
      const response = await fetch(this.#url, { signal: AbortSignal.timeout(TIMEOUT_MS) })
      if (response.ok) this.#sum.add(parseCounters(await response.text()))
    } catch {
      // A server may be down on purpose.
    }
    return { ...this.#sum.total }
  }

  close(): void {
    clearInterval(this.#timer)
  }
}
