import { link, mkdir, readFile, rename, rm, unlink, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { CliError } from '../errors.ts'
import { hasCode } from '../services/files.ts'

/** Who runs the network of a folder, and once it is ready, where its parts are. */
export interface RunRecord {
  pid: number
  /** Tells this process from a later one with the same id; null where the system does not say. */
  startedTicks: string | null
  startedAt: string
  network: NetworkRecord | null
}

export interface NetworkRecord {
  chainId: number
  rpcUrl: string
  discovery: string
  page: string | null
  neighborhood: string
  servers: { id: number; endpoint: string; adminUrl: string; pid: number | null }[]
}

export interface Lock {
  /** Replaces what `dred dev status` shows. */
  publish(network: NetworkRecord): Promise<void>
  release(): Promise<void>
}

/**
 * Takes the folder for this process. What a dead process left behind does not count.
 * @throws CliError `already_running`
 */
export async function acquireLock(path: string): Promise<Lock> {
  await mkdir(dirname(path), { recursive: true })
  const record: RunRecord = {
    pid: process.pid,
    startedTicks: await startTicks(process.pid),
    startedAt: new Date().toISOString(),
    network: null,
  }
  const temporary = `${path}.${process.pid}`
  await writeFile(temporary, JSON.stringify(record))
  try {
    // A link either takes the name or fails: two starts at once cannot both succeed.
    await link(temporary, path).catch(async (error: unknown) => {
      if (!hasCode(error, 'EEXIST')) throw error
      const owner = await liveOwner(path)
      if (owner) throw alreadyRunning(owner)
      await rm(path, { force: true })
      await link(temporary, path)
    })
  } catch (error) {
    if (hasCode(error, 'EEXIST')) throw alreadyRunning((await liveOwner(path)) ?? record)
    throw error
  } finally {
    await unlink(temporary)
  }
  return {
    async publish(network) {
      await writeFile(temporary, JSON.stringify({ ...record, network } satisfies RunRecord, null, 2))
      await rename(temporary, path)
    },
    release: () => rm(path, { force: true }),
  }
}

/** The process that holds the folder, when there is one and it lives. */
export async function liveOwner(path: string): Promise<RunRecord | undefined> {
  let record: RunRecord
  try {
    record = JSON.parse(await readFile(path, 'utf8')) as RunRecord
  } catch {
    return undefined
  }
  if (!Number.isSafeInteger(record.pid) || !isAlive(record.pid)) return undefined
  const ticks = await startTicks(record.pid)
  return ticks === record.startedTicks ? record : undefined
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    // Another user's process is alive too.
    return hasCode(error, 'EPERM')
  }
}

/** Start time of a process in clock ticks since boot, where /proc says (Linux). */
async function startTicks(pid: number): Promise<string | null> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8')
    // The name, in parentheses, may contain anything; field 22 is the 20th behind it.
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? null
  } catch {
    return null
  }
}

function alreadyRunning({ pid }: RunRecord): CliError {
  return new CliError(
    'failure',
    'already_running',
    `A network runs here already, as process ${pid}: stop it with Ctrl-C there or \`dred dev stop\`.`,
  )
}
