import { rmSync } from 'node:fs'

/**
 * Ends this process when the supervisor that started it is gone without a word (kill -9): its IPC channel closes. A database that was
 * for this run only goes too, since it may lie in memory. Without a supervisor (`ponder dev` by hand) nothing happens.
 */
export function endWithSupervisor(): void {
  const { DRED_INDEXER_SUPERVISED: supervised, DRED_INDEXER_TEMPORARY: temporary } = process.env
  if (supervised === undefined) return
  const end = () => {
    if (temporary !== undefined) rmSync(temporary, { recursive: true, force: true })
    process.exit(1)
  }
  if (process.connected) process.once('disconnect', end)
  else end()
}
