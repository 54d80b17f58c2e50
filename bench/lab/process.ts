import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { createWriteStream, readdirSync, readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

/** Processor cores by what runs on them. */
export interface Cores {
  /** All processes of the system that is measured. */
  servers: number
  /** This process: publishers and subscribers. */
  generator: number
}

/** Undefined where processes cannot be kept on one core. */
export const cores: Cores | undefined = findCores()

export interface Child {
  readonly pid: number
  /** What it printed when it was ready. */
  readonly output: string
  stop(): Promise<void>
}

export interface LaunchOptions {
  name: string
  /** Where its log goes. */
  folder: string
  /** What it prints once it is ready. */
  ready: RegExp
  /** One, or several as `taskset` takes them. */
  core?: number | string | undefined
  env?: Record<string, string>
}

const START_MS = 60_000
const STOP_MS = 3_000
const LONGEST_REST_MS = 120_000
const running = new Set<ChildProcess>()

/** @throws Error when it ends, or says nothing for a minute, before it is ready */
export async function launch(command: readonly string[], { name, folder, ready, core, env }: LaunchOptions): Promise<Child> {
  const [program = '', ...args] = core === undefined ? command : ['taskset', '-c', `${core}`, ...command]
  // Its stdin stays open as long as this process lives: some end with it.
  const child = spawn(program, args, { cwd: folder, stdio: ['pipe', 'pipe', 'pipe'], env: { ...process.env, ...env } })
  running.add(child)
  child.once('exit', () => running.delete(child))
  child.stdin.on('error', () => undefined)
  const log = createWriteStream(join(folder, `${name}.log`), { flags: 'a' })
  const output = await new Promise<string>((resolve, reject) => {
    let text = ''
    const fail = (why: string): void => reject(new Error(`${name} ${why}: ${text.trim().split('\n').slice(-3).join(' | ')}`))
    const timer = setTimeout(() => fail('is not ready after a minute'), START_MS)
    const read = (chunk: Buffer): void => {
      log.write(chunk)
      if (text === 'ready') return
      text += chunk.toString()
      if (!ready.test(text)) return
      clearTimeout(timer)
      resolve(text)
      text = 'ready'
    }
    child.stdout.on('data', read)
    child.stderr.on('data', read)
    child.once('error', reject)
    child.once('exit', (code, signal) => fail(`ended with ${signal ?? code}`))
  })
  const exited = once(child, 'exit')
  return {
    pid: child.pid ?? 0,
    output,
    async stop() {
      if (!running.has(child)) return
      child.kill('SIGTERM')
      const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MS)
      await exited
      clearTimeout(timer)
    },
  }
}

/** Ends at once whatever this process started and still runs. */
export function killAll(): void {
  for (const child of running) child.kill('SIGKILL')
}

/** Keeps this process, and what it starts without a core of its own, on the generator's core. */
export function pinSelf(): void {
  if (cores) execFileSync('taskset', ['-acp', `${cores.generator}`, `${process.pid}`], { stdio: 'ignore' })
}

/**
 * Lets processes, and before them this one, go before all others of the machine, on both cores, so that latencies are theirs: on one core
 * whichever thread of theirs computes holds up the others for as long as it does, or a tenth of a second.
 * @returns whether that is allowed here
 */
export function prioritise(pids: readonly number[]): boolean {
  const before = (level: number, pid: number): void => {
    execFileSync('chrt', ['--all-tasks', '--rr', '--pid', `${level}`, `${pid}`], { stdio: 'ignore' })
  }
  try {
    for (const pid of pids) {
      before(1, pid)
      if (cores) execFileSync('taskset', ['-acp', `${cores.servers},${cores.generator}`, `${pid}`], { stdio: 'ignore' })
    }
    before(2, process.pid)
    return true
  } catch {
    return false
  }
}

/** Ends what {@link prioritise} did for this process. */
export function unprioritise(): void {
  spawnSync('chrt', ['--all-tasks', '--other', '--pid', '0', `${process.pid}`], { stdio: 'ignore' })
}

function findCores(): Cores | undefined {
  if (process.platform !== 'linux') return undefined
  try {
    const list = execFileSync('taskset', ['-cp', `${process.pid}`], { encoding: 'utf8' }).split(':')[1] ?? ''
    const allowed = list
      .trim()
      .split(',')
      .flatMap((range) => {
        const [from = 0, to = from] = range.split('-').map(Number)
        return Array.from({ length: to - from + 1 }, (_, i) => from + i)
      })
    const [servers, generator] = allowed
    if (availableParallelism() < 2 || servers === undefined || generator === undefined) return undefined
    return { servers, generator }
  } catch {
    return undefined
  }
}

const ticksPerSecond = process.platform === 'linux' ? Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' })) : 100

/** Processor time, in seconds, that the processes, their threads and the processes that they started have used so far. */
export function cpuSeconds(pids: readonly number[]): number {
  const ticks = withDescendants(pids).map((pid) => {
    const fields = statusOf(pid)
    return Number(fields[11]) + Number(fields[12])
  })
  return sum(ticks) / ticksPerSecond
}

/** Resident memory in bytes. */
export function residentBytes(pids: readonly number[]): number {
  return sum(
    withDescendants(pids).map((pid) => Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) * 1_024),
  )
}

/** Resident memory in bytes once it has not moved by a hundredth for so long: runtimes tidy up when a process has been quiet for seconds. */
export async function restingBytes(pids: readonly number[], restMs: number): Promise<number> {
  let bytes = residentBytes(pids)
  let since = Date.now()
  for (const end = since + LONGEST_REST_MS; Date.now() < Math.min(end, since + restMs); ) {
    await sleep(500)
    const now = residentBytes(pids)
    if (Math.abs(now - bytes) < bytes / 100) continue
    bytes = now
    since = Date.now()
  }
  return bytes
}

/** Fields of `/proc/<pid>/stat` from the process's state on. */
function statusOf(pid: number): string[] {
  const text = readFileSync(`/proc/${pid}/stat`, 'utf8')
  return text.slice(text.lastIndexOf(')') + 2).split(' ')
}

function withDescendants(pids: readonly number[]): number[] {
  return pids.flatMap((pid) => [pid, ...withDescendants(childrenOf(pid))])
}

function childrenOf(pid: number): number[] {
  return readdirSync(`/proc/${pid}/task`).flatMap((thread) =>
    readFileSync(`/proc/${pid}/task/${thread}/children`, 'utf8').split(' ').filter(Boolean).map(Number),
  )
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, n) => total + n, 0)
