import { describe, expect, it } from 'vitest'
import { BoundedQueue } from './queue.ts'

describe('BoundedQueue', () => {
  it('makes producers wait while it is full, and keeps their order', async () => {
    const queue = new BoundedQueue<number>(2)
    await queue.push(1)
    let room = false
    const second = queue.push(2).then(() => (room = true))
    const third = queue.push(3)
    await Promise.resolve()
    expect(room).toBe(false)
    expect([await queue.next(), await queue.next()]).toEqual([1, 2])
    await Promise.all([second, third])
    expect(await queue.next()).toBe(3)
  })

  it('hands an item to a reader that waits', async () => {
    const queue = new BoundedQueue<string>(1)
    const readers = [queue.next(), queue.next()]
    void queue.push('a')
    void queue.push('b')
    expect(await Promise.all(readers)).toEqual(['a', 'b'])
  })

  it('ends for readers and producers, with or without what waits', async () => {
    const kept = new BoundedQueue<number>(1)
    const waiting = kept.push(1)
    kept.end({ discard: false })
    await waiting
    await kept.push(2)
    expect([await kept.next(), await kept.next()]).toEqual([1, undefined])
    const dropped = new BoundedQueue<number>(2)
    await dropped.push(1)
    dropped.end({ discard: true })
    expect(await dropped.next()).toBeUndefined()
  })
})
