import { expect, test } from 'vitest'
import { Heap } from './heap.ts'

test('what has the earliest time comes first, whatever the order it came in', () => {
  const heap = new Heap<{ atMs: number }>()
  const times = Array.from({ length: 200 }, (_, index) => (index * 7_919) % 101)
  const taken: number[] = []
  const take = (): void => {
    const first = heap.first
    expect(heap.removeFirst()).toBe(first)
    if (first) taken.push(first.atMs)
  }
  for (const atMs of times) heap.add({ atMs })
  for (let i = 0; i < 100; i++) take()
  expect(taken).toEqual(times.toSorted((a, b) => a - b).slice(0, 100))
  for (const atMs of times.slice(0, 50)) heap.add({ atMs })
  const rest = [...times.toSorted((a, b) => a - b).slice(100), ...times.slice(0, 50)].sort((a, b) => a - b)
  taken.length = 0
  while (heap.first) take()
  expect(taken).toEqual(rest)
  expect(heap.removeFirst()).toBeUndefined()
  heap.add({ atMs: 1 })
  heap.clear()
  expect(heap.first).toBeUndefined()
})
