import { exitCodes } from './errors.ts'

/** A Ctrl-C in a terminal may arrive several times at once: from the terminal and from each wrapper that passes it on. */
const SAME_PRESS_MS = 1_000

export type StopSignal = 'SIGINT' | 'SIGTERM' | 'SIGHUP'

/** Calls back at the first signal to stop; a later one, or `forceAfterMs` without an end, ends the process at once. */
export function onStopSignal(listener: (signal: StopSignal) => void, forceAfterMs: number): void {
  let firstAt: number | undefined
  const handle = (signal: StopSignal) => {
    if (firstAt === undefined) {
      firstAt = performance.now()
      setTimeout(() => process.exit(exitCodes.interrupted), forceAfterMs).unref()
      listener(signal)
    } else if (performance.now() - firstAt > SAME_PRESS_MS) {
      process.exit(exitCodes.interrupted)
    }
  }
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, handle)
}
