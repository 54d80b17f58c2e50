import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { cli, killed, type Process, start, stop, until } from './processes.ts'

interface NetworkRecord {
  chainId: number
  rpcUrl: string
  discovery: string
  page: string | null
  neighborhood: string
  servers: { id: number; endpoint: string; adminUrl: string; pid: number | null }[]
}

/** A neighborhood as `dred dev` runs it: chain, discovery and servers as processes of their own, in a folder of its own. */
export interface Network extends NetworkRecord {
  readonly folder: string
  readonly process: Process
  /** Configuration file for CLI commands. */
  readonly config: string
  /** kill -9; resolves when the process is gone. It stays away until it is restarted. */
  kill(server: number): Promise<void>
  /** Starts a killed server again, as its operator would; `config` in place of its own. Resolves when it is ready. */
  restart(server: number, config?: string): Promise<Process>
  configOf(server: number): string
  close(): Promise<void>
}

export function temporaryFolder(): { path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), 'dred-e2e-'))
  return { path, remove: () => rmSync(path, { recursive: true, force: true, maxRetries: 5 }) }
}

export function readRecord(folder: string): NetworkRecord | undefined {
  try {
    const record = JSON.parse(readFileSync(join(folder, '.dred/dev/lock.json'), 'utf8')) as { network: NetworkRecord | null }
    return record.network ?? undefined
  } catch {
    return undefined
  }
}

export async function startNetwork(args: string[] = []): Promise<Network> {
  const folder = temporaryFolder()
  const process_ = start(process.execPath, [cli, 'dev', '--no-open', '--no-restart', ...args], { cwd: folder.path })
  const failed = process_.exited.then((code) => {
    throw new Error(`dred dev ended with ${code}\n${process_.stderr()}`)
  })
  const record = await Promise.race([until(() => readRecord(folder.path)), failed])
  failed.catch(() => undefined)

  const restarted = new Map<number, Process>()
  const indexOf = (server: number): number => record.servers.findIndex(({ id }) => id === server)
  const configOf = (server: number): string => join(folder.path, `.dred/dev/server-${indexOf(server) + 1}.toml`)
  return {
    ...record,
    folder: folder.path,
    process: process_,
    config: join(folder.path, '.dred/dev/dred.toml'),
    configOf,
    async kill(server) {
      const again = restarted.get(server)
      const pid = again?.child.pid ?? record.servers[indexOf(server)]?.pid
      if (!pid) throw new Error(`Server ${server} has no process`)
      await killed(pid)
    },
    async restart(server, config = configOf(server)) {
      const again = start(process.execPath, [cli, 'serve', '--config', config], { cwd: folder.path })
      restarted.set(server, again)
      const ready = record.servers[indexOf(server)]?.adminUrl
      const died = again.exited.then((code) => {
        throw new Error(`dred serve ended with ${code}\n${again.stderr()}`)
      })
      await Promise.race([until(async () => (await fetch(`${ready}/readyz`).catch(() => undefined))?.ok), died])
      died.catch(() => undefined)
      return again
    },
    async close() {
      for (const again of restarted.values()) await stop(again, 'SIGTERM')
      await stop(process_)
      folder.remove()
    },
  }
}
