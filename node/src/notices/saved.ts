import type { Log } from '../log.ts'
import type { Store } from '../store/port.ts'
import { nameOf } from './order.ts'
import type { Notice } from './port.ts'

/** Between attempts to save what could not be saved, and between purges, in milliseconds. */
const RETRY_MS = 1_000
const PURGE_MS = 60_000

interface Unsaved {
  notice: Notice
  replaced: Notice | undefined
  saving: Promise<void> | undefined
}

/** Sees that the store has the notices that outlive the process, also when it is away for a while or comes back without its tail. */
export class Saved {
  readonly #store: Pick<Store, 'notices' | 'onReconnected'>
  readonly #log: Log | undefined
  readonly #unsaved = new Map<string, Unsaved>()
  #mayBeLost = false
  #retryAt = 0
  #purgeAt = 0
  #stop: (() => void) | undefined

  constructor(store: Pick<Store, 'notices' | 'onReconnected'>, log: Log | undefined) {
    this.#store = store
    this.#log = log
  }

  start(): void {
    this.#stop = this.#store.onReconnected(() => {
      this.#mayBeLost = true
    })
  }

  /** What is kept. @throws DredError `store_unavailable` */
  all(now: number): Promise<Notice[]> {
    return this.#store.notices.all(now)
  }

  stop(): void {
    this.#stop?.()
  }

  /** Never throws; see {@link settled}. */
  save(notice: Notice, replaced: Notice | undefined): void {
    const unsaved: Unsaved = { notice, replaced, saving: undefined }
    this.#unsaved.set(nameOf(notice), unsaved)
    this.#try(unsaved).catch(() => undefined)
  }

  /**
   * Resolves once the store has what is about the same thing.
   * @throws DredError `store_unavailable`: it will be tried again
   */
  async settled(notice: Notice): Promise<void> {
    const unsaved = this.#unsaved.get(nameOf(notice))
    if (unsaved) await this.#try(unsaved)
  }

  /** @param all what has to be in the store */
  tick(now: number, all: () => Iterable<Notice>): void {
    if (now < this.#retryAt) return
    this.#retryAt = now + RETRY_MS
    if (this.#mayBeLost) for (const notice of all()) this.#remember(notice)
    this.#mayBeLost = false
    void this.#again(now)
  }

  #remember(notice: Notice): void {
    if (!this.#unsaved.has(nameOf(notice))) this.#unsaved.set(nameOf(notice), { notice, replaced: undefined, saving: undefined })
  }

  async #again(now: number): Promise<void> {
    try {
      for (const unsaved of this.#unsaved.values()) {
        if (unsaved.notice.expiresAt > now) await this.#try(unsaved)
        else this.#unsaved.delete(nameOf(unsaved.notice))
      }
      if (now < this.#purgeAt) return
      this.#purgeAt = now + PURGE_MS
      await this.#store.notices.purge(now)
    } catch (error) {
      this.#log?.debug({ error: String(error) }, 'notices could not be saved; trying once more')
    }
  }

  #try(unsaved: Unsaved): Promise<void> {
    unsaved.saving ??= this.#put(unsaved).finally(() => {
      unsaved.saving = undefined
    })
    return unsaved.saving
  }

  async #put(unsaved: Unsaved): Promise<void> {
    const { notice, replaced } = unsaved
    await this.#store.notices.put(notice, replaced)
    if (this.#unsaved.get(nameOf(notice)) === unsaved) this.#unsaved.delete(nameOf(notice))
  }
}
