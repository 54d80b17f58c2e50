/**
 * Peers that are introducing themselves: each costs a signature and may take its time, so there are only so many at once, and of one
 * address so few that nobody keeps the others out.
 */
export class Introductions {
  readonly #most: { altogether: number; ofOneAddress: number }
  readonly #ofAddress = new Map<string, number>()
  #altogether = 0

  constructor(most: { altogether: number; ofOneAddress: number }) {
    this.#most = most
  }

  /** @returns how to end the introduction, to be called once; undefined when it may not begin */
  begin(address: string): (() => void) | undefined {
    const count = this.#ofAddress.get(address) ?? 0
    if (this.#altogether >= this.#most.altogether || count >= this.#most.ofOneAddress) return undefined
    this.#altogether++
    this.#ofAddress.set(address, count + 1)
    return () => {
      this.#altogether--
      const left = (this.#ofAddress.get(address) ?? 1) - 1
      if (left > 0) this.#ofAddress.set(address, left)
      else this.#ofAddress.delete(address)
    }
  }
}
