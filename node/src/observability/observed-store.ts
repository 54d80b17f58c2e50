import { DredError } from '@dred/protocol'
import type { Store } from '../store/port.ts'
import type { Metrics } from './metrics.ts'
import type { Tracing } from './tracing.ts'

/** The methods of a store that are measured: what messages and channels need of it. */
const OPERATIONS = [
  'append',
  'replicate',
  'purge',
  'cut',
  'vector',
  'floors',
  'unknown',
  'readOrigin',
  'channel',
  'channels',
  'readForward',
  'readBackward',
  'ahead',
  'controls',
  'purged',
  'ping',
] as const satisfies readonly (keyof Store)[]
type Operation = (typeof OPERATIONS)[number]
type Call = (...args: unknown[]) => Promise<unknown>

/** A store whose operations are measured. All else it leaves as it is. */
export function observedStore(
  store: Store,
  metrics: Pick<Metrics, 'storeSeconds' | 'storeErrors' | 'purged' | 'cut'>,
  tracing: Tracing | undefined,
): Store {
  const measured = new Map<PropertyKey, Call>(OPERATIONS.map((operation) => [operation, measure(operation)]))
  return new Proxy(store, {
    get: (target, property) => {
      const call = measured.get(property)
      if (call) return call
      const value: unknown = Reflect.get(target, property, target)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })

  function measure(operation: Operation): Call {
    const seconds = metrics.storeSeconds.labels(operation)
    const perform: Call = (...args) => (store[operation] as Call).apply(store, args)
    const call: Call = tracing ? (...args) => tracing.span(`store ${operation}`, () => perform(...args)) : perform
    return async (...args) => {
      const startedAt = performance.now()
      try {
        const result = await call(...args)
        if (operation === 'purge' || operation === 'cut') metrics.purged.inc(Number(result))
        if (operation === 'cut') metrics.cut.inc(Number(result))
        return result
      } catch (error) {
        const code = error instanceof DredError ? error.code : 'internal'
        // What the store says of an entry is an answer.
        if (!ANSWERS.has(code)) metrics.storeErrors.inc({ operation, code })
        throw error
      } finally {
        seconds.observe((performance.now() - startedAt) / 1_000)
      }
    }
  }
}

const ANSWERS = new Set<string>(['message_expired', 'channel_expired'])
