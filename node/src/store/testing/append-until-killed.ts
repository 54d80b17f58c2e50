import { openSqliteStore } from '../sqlite.ts'
import { at, channel, message, self } from './samples.ts'

/** Counts of the peer's origin in a batch: with every commit some are missing below others. */
const BLOCK = 10

/**
 * A process for crash tests: writes to the SQLite store at the path given as its argument until it is killed, and prints a line
 * `<id> <server>-<n>` for every write that was reported. Appends entries of its own, and takes those of a peer out of order.
 * @param maxMessages beyond which the oldest are cut all the time; 0 for none
 */
async function writeForever(path: string, maxMessages: number): Promise<never> {
  const store = await openSqliteStore({ path })
  await store.append(channel, self, 1)
  for (let batch = 0; ; batch++) {
    const own = Array.from({ length: 1 + (batch % 40) }, (_, i) => message(channel.id, `${batch}.${i} ${'x'.repeat(500)}`))
    // The odd ones of a block, and the even ones of the block before.
    const counts = Array.from({ length: BLOCK }, (_, i) => BLOCK * (batch - (i % 2)) + i + 1).filter((n) => n > 0)
    const cutting = maxMessages > 0 ? store.cut({ maxMessages }, 0) : undefined
    await Promise.all([
      cutting,
      ...own.map(async (entry) => {
        const { coordinate } = await store.append(entry, self, batch)
        process.stdout.write(`${entry.id} ${self.server}-${coordinate.n}\n`)
      }),
      ...counts.toReversed().map(async (n) => {
        const entry = message(channel.id, `peer ${n}`)
        await store.replicate(at(entry, [1, 1, n]))
        process.stdout.write(`${entry.id} 1-${n}\n`)
      }),
    ])
  }
}

await writeForever(process.argv[2] ?? '', Number(process.argv[3] ?? 0))
