import type { Clock } from './clock.ts'
import { abortError, DredClientError } from './errors.ts'

/** Runs `task` with a signal that aborts with any of `signals`, or with `timeout` after `ms`; leaves no timer and no listener behind. */
export async function withSignals<T>(
  options: { signals: readonly (AbortSignal | undefined)[]; timeout?: { clock: Clock; ms: number } },
  task: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const controller = new AbortController()
  const release = options.signals.map((signal) => (signal ? linkAbort(signal, controller) : undefined))
  const { timeout } = options
  const timer = timeout?.clock.setTimeout(() => controller.abort(new DredClientError('timeout')), timeout.ms)
  try {
    return await task(controller.signal)
  } finally {
    if (timeout) timeout.clock.clearTimeout(timer)
    for (const unlink of release) unlink?.()
  }
}

/** Makes `controller` abort when `signal` does. @returns a function that parts them */
export function linkAbort(signal: AbortSignal, controller: AbortController): () => void {
  const abort = (): void => controller.abort(abortError(signal))
  if (signal.aborted) abort()
  else signal.addEventListener('abort', abort, { once: true })
  return () => signal.removeEventListener('abort', abort)
}

/** `promise`, or a rejection as soon as `signal` aborts. */
export async function orAbort<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  if (signal.aborted) {
    promise.catch(() => undefined)
    throw abortError(signal)
  }
  let abort = (): void => undefined
  const aborted = new Promise<never>((_, reject) => {
    abort = () => reject(abortError(signal))
    signal.addEventListener('abort', abort, { once: true })
  })
  try {
    return await Promise.race([promise, aborted])
  } finally {
    signal.removeEventListener('abort', abort)
  }
}

/** Work that several callers wait for together: begun by the first, aborted when the last of them has given up. */
export class SharedTask<T> {
  #running: { result: Promise<T>; controller: AbortController; waiting: number } | undefined
  readonly #work: (signal: AbortSignal) => Promise<T>

  constructor(work: (signal: AbortSignal) => Promise<T>) {
    this.#work = work
  }

  async run(signal: AbortSignal): Promise<T> {
    if (signal.aborted) throw abortError(signal)
    const running = this.#running ?? this.#begin()
    running.waiting++
    try {
      return await orAbort(running.result, signal)
    } finally {
      if (--running.waiting === 0 && this.#running === running) {
        this.#running = undefined
        running.controller.abort(new DredClientError('aborted'))
      }
    }
  }

  #begin(): { result: Promise<T>; controller: AbortController; waiting: number } {
    const controller = new AbortController()
    const running = { result: this.#work(controller.signal), controller, waiting: 0 }
    const forget = (): void => {
      if (this.#running === running) this.#running = undefined
    }
    running.result.then(forget, forget)
    this.#running = running
    return running
  }
}
