import { setTimeout as sleep } from 'node:timers/promises'
import { type Child, type ChildOptions, startChild } from './child.ts'

const FIRST_PAUSE_MS = 250
const LONGEST_PAUSE_MS = 5_000
const STABLE_MS = 10_000

export interface Relay {
  /** What its first line said. */
  readonly ready: unknown
  /** Null between a crash and the next start. */
  pid(): number | null
  stop(graceMs: number): Promise<void>
}

export interface RelayOptions extends ChildOptions {
  /** Whether to start it again when it ends by itself. */
  restart: boolean
  /** Told of an unexpected end and of the new start. */
  changed: (what: string) => void
}

/** A relay server that may be started again when it ends by itself: the neighborhood goes on while it is away, as in real life. */
export async function startRelay(options: RelayOptions): Promise<Relay> {
  const stopped = new AbortController()
  const signal = AbortSignal.any([options.signal, stopped.signal])
  let child: Child | undefined = await startChild({ ...options, signal })
  const { ready } = child

  const watch = async () => {
    let pauseMs = FIRST_PAUSE_MS
    while (child) {
      const startedAt = performance.now()
      const how = await child.exited
      child = undefined
      if (signal.aborted) return
      if (performance.now() - startedAt > STABLE_MS) pauseMs = FIRST_PAUSE_MS
      options.changed(`${options.name} ended (${how})${options.restart ? '; starting it again' : ''}`)
      if (!options.restart) return
      while (!child && !signal.aborted) {
        await sleep(pauseMs, undefined, { signal }).catch(() => undefined)
        pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS)
        child = await startChild({ ...options, signal }).catch(() => undefined)
      }
      if (child) options.changed(`${options.name} is back`)
    }
  }
  const watching = watch()
  return {
    ready,
    pid: () => child?.pid ?? null,
    async stop(graceMs) {
      const running = child
      stopped.abort()
      await running?.stop(graceMs)
      await watching
    },
  }
}
