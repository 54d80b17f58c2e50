import { Random } from '@dred/protocol/testing/random'

/** One generator for each concern, so that asking one more often changes nothing for the others. */
export class RandomStreams {
  readonly #seed: number
  readonly #streams = new Map<string, Random>()

  constructor(seed: number) {
    this.#seed = seed
  }

  of(concern: string): Random {
    let stream = this.#streams.get(concern)
    if (!stream) {
      stream = new Random(hash(`${this.#seed} ${concern}`))
      this.#streams.set(concern, stream)
    }
    return stream
  }
}

/** FNV-1a, 32 bits. */
export function hash(text: string): number {
  let value = 0x811c9dc5
  for (let i = 0; i < text.length; i++) value = Math.imul(value ^ text.charCodeAt(i), 0x01000193)
  return value >>> 0
}
