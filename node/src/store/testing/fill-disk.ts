import { appendFileSync, closeSync, openSync, readFileSync, writeSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { DredError, VersionVector } from '@dred/protocol'
import { openSqliteStore } from '../sqlite.ts'
import { channel, ids, message, self } from './samples.ts'

/*
 * For tests, on a disk of its own that is small: `fill PATH REPORT` writes to the SQLite store until it has been refused, and kills itself; `check PATH
 * REPORT` lets somebody else take what is left of the disk, and says as a line of JSON what is there.
 */
const [mode, path = '', report = ''] = process.argv.slice(2)
await (mode === 'fill' ? fill() : check())

async function fill(): Promise<void> {
  const store = await openSqliteStore({ path })
  await store.append(channel, self, 1)
  const refused = new Set<string>()
  for (let batch = 0; refused.size === 0; batch++) {
    const entries = Array.from({ length: 50 }, (_, i) => message(channel.id, `${batch}.${i} ${'x'.repeat(20_000)}`))
    const outcomes = await Promise.allSettled(entries.map((entry) => store.append(entry, self, 1)))
    const lines = outcomes.flatMap((outcome, i) => (outcome.status === 'fulfilled' ? `${entries[i]?.id}\n` : []))
    appendFileSync(report, lines.join(''))
    for (const outcome of outcomes) if (outcome.status === 'rejected') refused.add(codeOf(outcome.reason))
  }
  appendFileSync(report, `refused ${[...refused].join()}\n`)
  process.kill(process.pid, 'SIGKILL')
}

async function check(): Promise<void> {
  const lines = readFileSync(report, 'utf8').trim().split('\n')
  const acknowledged = lines.filter((line) => !line.startsWith('refused'))
  const refused = lines.filter((line) => line.startsWith('refused')).flatMap((line) => line.slice(8).split(','))
  const store = await openSqliteStore({ path })
  fillUp(`${path}-other`)
  const kept = new Set(ids(await store.readForward(channel.id, new VersionVector(), { limit: 100_000 })))
  const purged = await store.purge(message('', '').expiresAt + 1)
  await delay(1_100)
  const after = await store
    .append(message(channel.id, 'after', { sentAt: 90_000 }), self, 1)
    .then(({ created }) => (created ? 'created' : 'known'), codeOf)
  await store.close()
  const missing = acknowledged.filter((id) => !kept.has(id)).length
  process.stdout.write(`${JSON.stringify({ acknowledged: acknowledged.length, refused, kept: kept.size, missing, purged, after })}\n`)
}

/** Takes all that is left of the disk. */
function fillUp(other: string): void {
  const file = openSync(other, 'w')
  try {
    for (;;) writeSync(file, Buffer.alloc(4_096, 1))
  } catch {
    closeSync(file)
  }
}

function codeOf(error: unknown): string {
  return error instanceof DredError ? error.code : String(error)
}
