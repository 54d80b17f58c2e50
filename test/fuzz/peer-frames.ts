import { type RelayFrame, relayLimits } from '@dred/protocol/relay'
import type { Random } from '@dred/protocol/testing/random'
import { Rogue } from '../../node/src/peers/testing/rogue.ts'
import { MemoryRegistry } from '../../node/src/testing/registry-view.ts'
import { frameVariant } from '../../protocol/src/testing/frame-variants.ts'
import { fromHex, readVectors } from '../../protocol/vectors/json.ts'
import type { FuzzedServer } from './fuzzed-server.ts'
import { mutateBytes } from './mutate.ts'
import { count, type Target } from './target.ts'

const vectors = readVectors<{ valid: { hex: string }[] }>('frames.json').valid.map(({ hex }) => fromHex(hex))
const bodies = vectors.map((bytes) => bytes.subarray(4))
/** For an answer that need not come. */
const WAIT_MS = 150

/** Frames of a peer: before it has proved who it is, and after, when it is a server of the neighborhood that says what it likes. */
export class PeerFrames implements Target {
  readonly outcomes = new Map<string, number>()
  /** Frames that were written. */
  cases = 0
  readonly #server: FuzzedServer
  readonly #cluster = { registry: new MemoryRegistry() }
  #incarnation = 1

  constructor(server: FuzzedServer) {
    this.#server = server
  }

  async run(random: Random): Promise<void> {
    const rogue = await Rogue.dial(this.#server.url)
    try {
      const who = { from: 1, to: 2, key: this.#server.rogueKey, incarnation: this.#incarnation++ }
      const joins = random.chance(0.8)
      if (joins && !(await within(rogue.join(this.#cluster, who)))) {
        count(this.outcomes, 'peer: not let in')
        return
      }
      for (let left = 1 + random.below(60); left > 0 && rogue.stream.writable; left--) this.#write(rogue, random)
      if (!rogue.stream.destroyed) rogue.stream.end()
      await within(rogue.ended)
      const bye = rogue.heard.find((frame): frame is Extract<RelayFrame, { type: 'BYE' }> => frame.type === 'BYE')
      count(this.outcomes, `peer: ${joins ? 'as a server' : 'as nobody'}: ${bye?.code ?? 'no word'}`)
    } finally {
      rogue.close()
    }
  }

  #write(rogue: Rogue, random: Random): void {
    this.cases++
    const body = random.chance(0.3) ? Buffer.from(random.pick(bodies) ?? []) : Buffer.from(frameVariant(bodies, random))
    const length = Buffer.alloc(4)
    length.writeUInt32BE(random.chance(0.01) ? (random.pick([0, 2 ** 32 - 1, relayLimits.frameBytes + 1]) ?? 0) : body.length)
    const bytes = Buffer.concat([length, body])
    rogue.stream.write(random.chance(0.03) ? mutateBytes(bytes, random) : bytes)
  }
}

/** @returns whether it came to be in time */
function within(promise: Promise<unknown>): Promise<boolean> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(false), WAIT_MS)
    promise
      .then(
        () => resolve(true),
        () => resolve(false),
      )
      .finally(() => clearTimeout(timer))
  })
}
