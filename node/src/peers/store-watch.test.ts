import type { VersionVector } from '@dred/protocol'
import type { RelayEvent } from '@dred/protocol/relay'
import { afterEach, beforeEach, expect, it } from 'vitest'
import type { Entry, NewEntry, Store } from '../store/port.ts'
import { eventually } from '../testing/eventually.ts'
import { type LossyStore, openLossyStore } from '../testing/lossy-store.ts'
import { channel, message } from '../store/testing/samples.ts'
import { StoreWatch } from './store-watch.ts'

let store: LossyStore
let watch: StoreWatch
let incarnation: number
/** What is told: events by type, appended entries by count. */
let said: string[]
let storing: Set<number>
let vectors: VersionVector[]
/** When what peers sent has been stored, or could not be. */
let settled: Promise<void>

const origin = (of = incarnation) => `1-${of}` as const

beforeEach(async () => {
  store = await openLossyStore()
  incarnation = 100
  said = []
  storing = new Set()
  vectors = []
  settled = Promise.resolve()
  watch = watchOn(store)
})
afterEach(async () => {
  watch.stop()
  await store.close()
})

function watchOn(on: Store): StoreWatch {
  return new StoreWatch({
    store: on,
    self: () => ({ server: 1, incarnation }),
    renew: (known) => (incarnation = known + 1),
    settled: () => settled,
    isStoring: ({ n }) => storing.has(n),
    tell: (event: RelayEvent) => {
      said.push(event.type === 'recovered' ? `recovered ${event.incarnation}` : event.type)
      if (event.type === 'recovered') vectors.push(event.vector)
    },
    appended: ({ coordinate }: Entry) => said.push(`appended ${coordinate.incarnation} ${coordinate.n}`),
    retryMs: 20,
    log: undefined,
  })
}

const append = (entry: NewEntry = message(channel.id, `${Math.random()}`), of = incarnation) =>
  store.append(entry, { server: 1, incarnation: of }, Date.now() * 1_000)

/** The same store, whose answer to `vector` takes until it is let go. */
function held(): { store: Store; waiting: () => number; letGo: () => void } {
  const gates: (() => void)[] = []
  const slow = new Proxy(store, {
    get: (inner, name: keyof Store) => {
      if (name === 'vector') {
        return async () => {
          const vector = await inner.vector()
          await new Promise<void>((resolve) => gates.push(resolve))
          return vector
        }
      }
      return inner[name]
    },
  })
  return {
    store: slow,
    waiting: () => gates.length,
    letGo: () => {
      for (const open of gates.splice(0)) open()
    },
  }
}

it('tells what the store has before what is appended meanwhile', async () => {
  const slow = held()
  watch = watchOn(slow.store)
  const started = watch.start()
  await eventually(slow.waiting).toBe(1)
  await append()
  await append()
  expect(said).toEqual([])
  slow.letGo()
  await started
  await append()
  expect(said).toEqual(['recovered 100', 'appended 100 1', 'appended 100 2', 'appended 100 3'])
})

it('does not tell of what peers sent as if clients had', async () => {
  await watch.start()
  storing.add(1)
  await append()
  await append()
  expect(said).toEqual(['recovered 100', 'appended 100 2'])
})

it('tells anew what the store has when it comes back, in the incarnation that began then', async () => {
  await watch.start()
  await append()
  store.onReconnected(() => (incarnation = 200))
  store.goAway()
  watch.failed(new Error('away'))
  watch.failed(new Error('away'))
  await store.comeBack(0)
  await eventually(() => said).toEqual(['recovered 100', 'appended 100 1', 'store-lost', 'recovered 200'])
  expect(vectors.at(-1)?.origins).toEqual([])
})

it('begins an incarnation when the store comes back and nobody has: what it told may not be there', async () => {
  await watch.start()
  store.goAway()
  await store.comeBack(0)
  await eventually(() => said).toEqual(['recovered 100', 'store-lost', 'recovered 101'])
})

it('begins none when another process of the server has', async () => {
  await watch.start()
  incarnation = 300
  await append()
  await eventually(() => said).toEqual(['recovered 100', 'store-lost', 'recovered 300'])
  await append()
  expect(said.at(-1)).toBe('appended 300 2')
})

it('tells it after what has become of all that was being stored', async () => {
  await watch.start()
  let end = (): void => undefined
  settled = new Promise((resolve) => {
    end = () => {
      said.push('stored')
      resolve()
    }
  })
  watch.failed(new Error('away'))
  await new Promise((resolve) => setTimeout(resolve, 100))
  end()
  await eventually(() => vectors.length).toBe(2)
  expect(said).toEqual(['recovered 100', 'store-lost', 'stored', 'recovered 101'])
})

it('begins an incarnation when the store failed and never said that it was away', async () => {
  await watch.start()
  watch.failed(new Error('disk full'))
  await eventually(() => vectors.length).toBe(2)
  expect(said).toEqual(['recovered 100', 'store-lost', 'recovered 101'])
})

it('begins one that is later than peers know, once, however often they say so', async () => {
  await watch.start()
  for (let i = 0; i < 10; i++) watch.renew(100 + i)
  await eventually(() => said).toEqual(['recovered 100', 'store-lost', 'recovered 101'])
  watch.renew(99)
  await append()
  expect(said.at(-1)).toBe('appended 101 1')
})

it('begins one more when an incarnation that is over has counted once more', async () => {
  await watch.start()
  watch.renew(100)
  await eventually(() => said.at(-1)).toBe('recovered 101')
  await append(undefined, 100)
  await eventually(() => said.at(-1)).toBe('recovered 102')
  expect(vectors.at(-1)?.has(origin(100), 1)).toBe(true)
  await append()
  expect(said.at(-1)).toBe('appended 102 1')
})
