// What subscribers cost that only wait: the resident memory of a server's process with more and more of them on one channel.
//   npm run bench:idle [-- --subscribers 5000] [--json]
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { killAll, restingBytes } from './lab/process.ts'
import { dredSqlite } from './systems/dred.ts'

const { values } = parseArgs({ options: { subscribers: { type: 'string', default: '5000' }, json: { type: 'boolean', default: false } } })
const AT_ONCE = 50
/** Opened before the first measurement, so that what a server needs once is not counted. */
const FIRST = 1_000
const REST_MS = 20_000

const folder = mkdtempSync(join(tmpdir(), 'dred-idle-'))
process.on('exit', () => {
  killAll()
  rmSync(folder, { recursive: true, force: true })
})
const cluster = await dredSqlite.start({ servers: 1, folder })
const [channel = ''] = await cluster.createChannels(1)

/** @returns resident bytes once so many more wait and the process has tidied up */
async function withMore(count: number): Promise<number> {
  for (let i = 0; i < count; i += AT_ONCE) {
    await Promise.all(Array.from({ length: Math.min(AT_ONCE, count - i) }, () => cluster.subscribe(channel, 0, () => undefined)))
  }
  return restingBytes(cluster.pids, REST_MS)
}

const subscribers = Number(values.subscribers)
const before = await withMore(FIRST)
const after = await withMore(subscribers)
const result = { subscribers, kibEach: (after - before) / subscribers / 1_024, mibBefore: before / 1_048_576, mibAfter: after / 1_048_576 }
const row = [result.subscribers, result.kibEach.toFixed(1), result.mibBefore.toFixed(0), result.mibAfter.toFixed(0)]
const table = `| idle subscribers | KiB each | MiB before | MiB with them |\n|---|---|---|---|\n| ${row.join(' | ')} |\n`
process.stdout.write(values.json ? `${JSON.stringify(result)}\n` : table)
await cluster.stop()
process.exit()
