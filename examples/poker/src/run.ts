import { readFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { CounterWatch } from './counters.ts'
import { pace } from './pacing.ts'
import { parsePhh, PhhError, type Table } from './phh.ts'
import type { ExampleContext } from './play.ts'
import { type Summary, summarize } from './summary.ts'
import { PokerTable } from './table.ts'

const RECORDED_HANDS = new URL('../hands.phhs', import.meta.url)
/** Between the last hand and the first one again. */
const PAUSE_MS = 5_000

/** All that succeed; when one fails, those that did are closed and the failure is thrown. */
async function openAll(tables: Promise<PokerTable>[]): Promise<PokerTable[]> {
  const results = await Promise.allSettled(tables)
  const opened = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []))
  const failed = results.find((result) => result.status === 'rejected')
  if (!failed) return opened
  for (const table of opened) table.close()
  throw failed.reason
}

/**
 * The tables of a PHH file, the recorded hands by default.
 * @throws PhhError when it cannot be read or played
 */
async function readTables(file: string | URL = RECORDED_HANDS): Promise<Table[]> {
  const text = await readFile(file, 'utf8').catch((cause: Error & { code?: string }) => {
    throw new PhhError([cause.code === 'ENOENT' ? 'there is no such file' : `it cannot be read (${cause.code})`], { cause })
  })
  return parsePhh(text)
}

/** Reads a PHH file as {@link run} will. @throws PhhError when it cannot be played */
export async function checkHands(file: string): Promise<void> {
  await readTables(file)
}

/**
 * Plays recorded poker hands over Dred: each table a channel, its dealer and every player a client of their own.
 * @returns the books, also when `context.signal` aborts
 * @throws PhhError when the file cannot be played; DredClientError when a table cannot be opened
 */
export async function run(context: ExampleContext): Promise<Summary> {
  const { signal, speed, once } = context
  const hands = await readTables(context.hands)
  const paces = pace(hands, speed)
  const watches = context.servers.map(({ adminUrl }) => new CounterWatch(adminUrl))
  const tables: PokerTable[] = []
  try {
    await Promise.all(watches.map((watch) => watch.read()))
    tables.push(...(await openAll(hands.map((table) => PokerTable.open(table, context)))))
    do {
      const startedAtMs = performance.now()
      for (const [index, { name }] of hands.entries()) context.report({ type: 'due', table: name, inMs: paces[index]?.[0]?.startMs ?? 0 })
      await Promise.all(tables.map((table, index) => table.play({ paces: paces[index] ?? [], startedAtMs })))
      if (!once) await sleep(PAUSE_MS, undefined, { signal }).catch(() => undefined)
    } while (!once && !signal.aborted)
    await Promise.all(tables.map((table) => table.settle()))
    const counters = await Promise.all(watches.map((watch) => watch.read()))
    const servers = context.servers.map(({ id, endpoint }, index) => {
      return { id, endpoint, ...(counters[index] ?? { accepted: 0, replicated: 0, delivered: 0 }) }
    })
    return summarize(
      tables.map((table) => table.books()),
      servers,
    )
  } finally {
    for (const watch of watches) watch.close()
    for (const table of tables) table.close()
  }
}
