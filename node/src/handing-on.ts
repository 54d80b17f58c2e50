import { setTimeout as delay } from 'node:timers/promises'
import { type Coordinate, originOf } from '@dred/protocol'
import type { Replicator } from './peers/port.ts'
import type { Store } from './store/port.ts'

export interface HandingOn {
  store: Pick<Store, 'vector'>
  replicator: Pick<Replicator, 'connected' | 'confirmed' | 'onConfirmed'>
  /** This server's id and its incarnation now. */
  self: () => Pick<Coordinate, 'server' | 'incarnation'>
}

/** How often it is looked whether peers have left, in milliseconds: nothing tells of that. */
const LOOK_EVERY_MS = 100
const LOOK_AGAIN_MS = 10

/**
 * Waits until as many servers as are linked have confirmed all that clients handed to this one, and not longer than `timeoutMs`.
 * @returns whether they have; never rejects
 */
export async function handedOn({ store, replicator, self }: HandingOn, timeoutMs: number): Promise<boolean> {
  const { server, incarnation } = self()
  const known = await store.vector().catch(() => undefined)
  const last = known?.watermark(originOf({ server, incarnation })) ?? 0
  const isDone = (): boolean => {
    const others = replicator.connected().length
    return others === 0 || last === 0 || (replicator.confirmed(incarnation).upTo[others] ?? 0) >= last
  }
  return new Promise((resolve) => {
    const look = (): void => {
      if (isDone() || performance.now() >= endAt) end()
    }
    const end = (): void => {
      clearInterval(timer)
      stopListening()
      resolve(isDone())
    }
    const endAt = performance.now() + timeoutMs
    const timer = setInterval(look, Math.min(LOOK_EVERY_MS, Math.max(timeoutMs, 1)))
    const stopListening = replicator.onConfirmed(look)
    look()
  })
}

/** Waits until something is so, and not longer than `timeoutMs`. For what nothing tells of. */
export async function untilSo(isSo: () => boolean, timeoutMs: number): Promise<void> {
  const endAt = performance.now() + timeoutMs
  while (!isSo() && performance.now() < endAt) await delay(LOOK_AGAIN_MS)
}
