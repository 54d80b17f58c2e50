import { expect, test } from 'vitest'
import type { Bus } from '../processes/bus.ts'
import { type Block, Blocks } from './blocks.ts'

/** Processes that hear each other at once. */
function buses(count: number): Bus[] {
  const listeners: ((text: string) => void)[][] = Array.from({ length: count }, () => [])
  return listeners.map((own) => ({
    publish: (_topic, text) => {
      for (const others of listeners) if (others !== own) for (const listener of others) listener(text)
    },
    subscribe: (_topic, listener) => {
      own.push(listener)
      return () => undefined
    },
  }))
}

function blocksOn(bus: Bus | undefined, now: () => number): { blocks: Blocks; told: Block[] } {
  if (!bus) throw new Error('no bus')
  const told: Block[] = []
  const blocks = new Blocks({ bus, now })
  blocks.onBlock((block) => told.push(block))
  return { blocks, told }
}

test('whom one process blocks all refuse, also those that come later, until its time is over', () => {
  let now = 1_000
  const [first, second, third] = buses(3)
  const a = blocksOn(first, () => now)
  const b = blocksOn(second, () => now)
  a.blocks.set({ kind: 'device', key: 'k', until: 61_000 })
  const c = blocksOn(third, () => now)
  expect([a.told.length, b.told.length]).toEqual([1, 1])
  for (const { blocks } of [a, b, c]) {
    expect(() => blocks.assert('device', 'k')).toThrow(expect.objectContaining({ code: 'rate_limited', retryAfterSeconds: 60 }))
    expect(() => blocks.assert('wallet', 'k')).not.toThrow()
    expect(blocks.list).toEqual([{ kind: 'device', key: 'k', until: 61_000 }])
  }
  now = 61_000
  for (const { blocks } of [a, b, c]) {
    expect(() => blocks.assert('device', 'k')).not.toThrow()
    expect(blocks.list).toEqual([])
  }
})

test('a block is lifted everywhere', () => {
  const [first, second] = buses(2)
  const a = blocksOn(first, () => 0)
  const b = blocksOn(second, () => 0)
  a.blocks.set({ kind: 'address', key: '192.0.2.1', until: 1_000 })
  b.blocks.set({ kind: 'address', key: '192.0.2.1', until: 0 })
  expect([a.blocks.list, b.blocks.list]).toEqual([[], []])
})

test('whoever could not hear the others asks them again', () => {
  const [first, second] = buses(2)
  let hears = false
  let back = (): void => undefined
  const deaf: Bus | undefined = second && {
    publish: (topic, text) => second.publish(topic, text),
    subscribe: (topic, listener) => second.subscribe(topic, (text) => hears && listener(text)),
    onReturn: (listener) => {
      back = listener
      return () => undefined
    },
  }
  const a = blocksOn(first, () => 0)
  const b = blocksOn(deaf, () => 0)
  a.blocks.set({ kind: 'device', key: 'k', until: 1_000 })
  expect(b.blocks.list).toEqual([])
  hears = true
  back()
  expect(b.blocks.list).toEqual(a.blocks.list)
})

test('no more are blocked than there is room for', () => {
  const { blocks } = blocksOn(buses(1)[0], () => 0)
  for (let i = 0; i < 100_000; i++) blocks.set({ kind: 'device', key: `${i}`, until: 1_000 })
  expect(() => blocks.set({ kind: 'device', key: 'x', until: 1_000 })).toThrow(expect.objectContaining({ code: 'rate_limited' }))
})
