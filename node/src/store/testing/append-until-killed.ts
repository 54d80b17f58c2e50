import { openSqliteStore } from '../sqlite.ts'
import { channel, message, self } from './samples.ts'

/**
 * A process for crash tests: appends to the SQLite store at the path given as its argument until it is killed, and writes a line
 * `<id> <n>` for every append that was reported.
 */
async function appendForever(path: string): Promise<never> {
  const store = await openSqliteStore({ path })
  await store.append(channel, self, 1)
  for (let batch = 0; ; batch++) {
    const entries = Array.from({ length: 1 + (batch % 40) }, (_, i) => message(channel.id, `${batch}.${i} ${'x'.repeat(500)}`))
    await Promise.all(
      entries.map(async (entry) => {
        const { coordinate } = await store.append(entry, self, batch)
        process.stdout.write(`${entry.id} ${coordinate.n}\n`)
      }),
    )
  }
}

await appendForever(process.argv[2] ?? '')
