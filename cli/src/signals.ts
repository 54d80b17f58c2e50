import { exitCodes } from './errors.ts'

/** A Ctrl-C in a terminal may arrive several times at once: from the terminal and from each wrapper that passes it on. */
const SAME_PRESS_MS = 1_000

const ALL = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
export type StopSignal = (typeof ALL)[number]

/**
 * Calls back at the first signal to stop; a later one, or so many milliseconds without an end, ends the process at once.
 * @param signals in place of all three
 */
export function onStopSignal(
  listener: (signal: StopSignal) => void,
  forceAfterMs: number | (() => number),
  signals: readonly StopSignal[] = ALL,
): void {
  let firstAt: number | undefined
  const handle = (signal: StopSignal) => {
    if (firstAt === undefined) {
      firstAt = performance.now()
      const waitMs = typeof forceAfterMs === 'number' ? forceAfterMs : forceAfterMs()
      setTimeout(() => process.exit(exitCodes.interrupted), waitMs).unref()
      listener(signal)
    } else if (performance.now() - firstAt > SAME_PRESS_MS) {
      process.exit(exitCodes.interrupted)
    }
  }
  for (const signal of signals) process.on(signal, handle)
}
