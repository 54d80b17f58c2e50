import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Store } from '../port.ts'
import { keepingControls } from './contract-controls.ts'
import { cutting } from './contract-cut.ts'
import { keepingNotices, notice } from './contract-notices.ts'
import { listing } from './contract-lists.ts'
import { purging } from './contract-purge.ts'
import { announcing, reading } from './contract-reads.ts'
import { appending, replicating } from './contract-writes.ts'
import { channel, message, ownOrigin, self } from './samples.ts'

/** One place to store in, made for one test. */
export interface StoreHarness {
  open(): Promise<Store>
  /** Removes what was stored. The stores are closed before. */
  dispose(): Promise<void>
}

/** What every adapter of the store port has to do. */
export function describeStore(name: string, prepare: () => Promise<StoreHarness>): void {
  describe(`${name} as a store`, () => {
    let harness: StoreHarness
    let store: Store
    beforeEach(async () => {
      harness = await prepare()
      store = await harness.open()
    })
    afterEach(async () => {
      await store.close()
      await harness.dispose()
    })

    const get = (): Store => store
    describe('append', () => {
      appending(get)
    })
    describe('replicate', () => {
      replicating(get)
    })
    describe('reading', () => {
      reading(get)
    })
    describe('channels', () => {
      listing(get)
    })
    describe('purge', () => {
      purging(get)
    })
    describe('cut', () => {
      cutting(get)
    })
    describe('control messages', () => {
      keepingControls(get)
    })
    describe('notices', () => {
      keepingNotices(get)
    })
    describe('announcements', () => {
      announcing(get)
    })

    it('keeps everything when it is closed and opened again', async () => {
      await store.append(channel, self, 1)
      const { coordinate } = await store.append(message(channel.id, 'kept'), self, 2)
      await store.notices.put(notice('kept', 1))
      await store.close()
      store = await harness.open()
      const again = await store.append(message(channel.id, 'kept'), { ...self, incarnation: self.incarnation + 1 }, 3)
      expect(again).toEqual({ created: false, coordinate, clock: 2 })
      expect((await store.vector()).toData()).toEqual({ [ownOrigin]: [2] })
      expect((await store.channel(channel.id))?.messages).toBe(1)
      expect(await store.notices.all(0)).toEqual([notice('kept', 1)])
    })

    it('rejects with store_unavailable once closed', async () => {
      await store.close()
      await expect(store.append(channel, self, 1)).rejects.toMatchObject({ code: 'store_unavailable' })
      await expect(store.vector()).rejects.toMatchObject({ code: 'store_unavailable' })
      await expect(store.ping()).rejects.toMatchObject({ code: 'store_unavailable' })
      await store.close()
    })

    it('answers a ping', async () => {
      await expect(store.ping()).resolves.toBeUndefined()
      await expect(store.ping()).resolves.toBeUndefined()
    })
  })
}
