import { describe, expect, it } from 'vitest'
import { FakeClock } from '../test/fake-clock.ts'
import { SharedTask, withSignals } from './signals.ts'

describe('SharedTask', () => {
  it('runs once for all, and is aborted when the last of them gives up', async () => {
    const runs: AbortSignal[] = []
    const task = new SharedTask<void>((signal) => {
      runs.push(signal)
      return new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Error('aborted'))))
    })
    const [a, b] = [new AbortController(), new AbortController()]
    const waiting = [task.run(a.signal), task.run(b.signal)].map((run) => run.catch((error: unknown) => error))
    a.abort()
    expect(await waiting[0]).toMatchObject({ code: 'aborted' })
    expect(runs.map(({ aborted }) => aborted)).toEqual([false])
    b.abort()
    expect(await waiting[1]).toMatchObject({ code: 'aborted' })
    expect(runs.map(({ aborted }) => aborted)).toEqual([true])
  })

  it('runs again after it has succeeded or failed', async () => {
    let runs = 0
    const task = new SharedTask<number>(() => (++runs === 1 ? Promise.reject(new Error('first')) : Promise.resolve(runs)))
    const { signal } = new AbortController()
    await expect(task.run(signal)).rejects.toThrow('first')
    expect(await task.run(signal)).toBe(2)
    expect(await task.run(signal)).toBe(3)
  })
})

describe('withSignals', () => {
  it('aborts at its timeout and leaves no timer', async () => {
    const clock = new FakeClock()
    const hanging = (signal: AbortSignal): Promise<never> =>
      new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)))
    const late = withSignals({ signals: [], timeout: { clock, ms: 100 } }, hanging).catch((error: unknown) => error)
    clock.advance(100)
    expect(await late).toMatchObject({ code: 'timeout' })
    expect(await withSignals({ signals: [undefined], timeout: { clock, ms: 100 } }, () => Promise.resolve('done'))).toBe('done')
    expect(clock.pending).toBe(0)
  })
})
