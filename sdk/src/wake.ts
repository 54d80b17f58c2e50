export type WakeReason = 'online' | 'visible'

/**
 * Tells when waiting is pointless any more: the network is back or the page is visible again. Listens only while somebody
 * listens here. Silent where there are no such events, as in Node.
 */
export class Wake {
  readonly #listeners = new Set<(reason: WakeReason) => void>()

  /** @returns a function that removes the listener */
  add(listener: (reason: WakeReason) => void): () => void {
    if (this.#listeners.size === 0) this.#attach()
    this.#listeners.add(listener)
    return () => {
      if (this.#listeners.delete(listener) && this.#listeners.size === 0) this.#detach()
    }
  }

  readonly #onOnline = (): void => {
    for (const listener of this.#listeners) listener('online')
  }

  readonly #onVisibility = (): void => {
    if (document.visibilityState !== 'visible') return
    for (const listener of this.#listeners) listener('visible')
  }

  #attach(): void {
    if (typeof globalThis.addEventListener === 'function') globalThis.addEventListener('online', this.#onOnline)
    if (typeof document !== 'undefined') document.addEventListener('visibilitychange', this.#onVisibility)
  }

  #detach(): void {
    if (typeof globalThis.removeEventListener === 'function') globalThis.removeEventListener('online', this.#onOnline)
    if (typeof document !== 'undefined') document.removeEventListener('visibilitychange', this.#onVisibility)
  }
}

/** Whether the environment says that there is no network; false where it says nothing. */
export function isOffline(): boolean {
  return typeof navigator !== 'undefined' && navigator.onLine === false
}
