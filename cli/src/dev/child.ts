import { type ChildProcess, spawn } from 'node:child_process'
import { open } from 'node:fs/promises'
import { createInterface } from 'node:readline'
import { CliError } from '../errors.ts'

/** A process of the local network. It ends when its stdin does, so nothing outlives this process, however that ends. */
export interface Child {
  readonly name: string
  readonly pid: number
  /** First line that the process wrote on stdout, parsed as JSON. */
  readonly ready: unknown
  /** Resolves when the process is gone, with how it went. */
  readonly exited: Promise<string>
  /** Asks it to end, and kills it when it has not after `graceMs`. */
  stop(graceMs: number): Promise<void>
}

export interface ChildOptions {
  name: string
  /** JavaScript module and its arguments. */
  module: string
  args: string[]
  logFile: string
  cwd: string
  signal: AbortSignal
}

/**
 * Starts a process and waits for its first line on stdout.
 * @throws CliError `child_failed` when it ends before
 */
export async function startChild(options: ChildOptions): Promise<Child> {
  const { name, module, args, logFile, cwd } = options
  options.signal.throwIfAborted()
  const log = await open(logFile, 'a', 0o600)
  // A group of its own: a Ctrl-C at the terminal reaches this process only, which then stops the others in order.
  const child = spawn(process.execPath, [module, ...args], {
    cwd,
    env: ownEnvironment(),
    detached: true,
    stdio: ['pipe', 'pipe', log.fd],
  })
  await log.close()
  // The pipe breaks when the process dies first; its exit says more.
  child.stdin?.on('error', () => undefined)
  const exited = new Promise<string>((resolve) => {
    child.once('error', (error) => resolve(error.message))
    child.once('exit', (code, signal) => resolve(signal === null ? `exit code ${code}` : signal))
  })
  const stop = (graceMs: number) => stopChild(child, { exited, graceMs })
  const failed = exited.then((how) => {
    throw new CliError('failure', 'child_failed', `The ${name} did not start (${how}): see ${logFile}.`)
  })
  const onAbort = () => void stop(0)
  options.signal.addEventListener('abort', onAbort)
  try {
    const line = await Promise.race([firstLine(child), failed])
    const ready: unknown = JSON.parse(line)
    return { name, pid: child.pid ?? 0, ready, exited, stop }
  } finally {
    options.signal.removeEventListener('abort', onAbort)
    failed.catch(() => undefined)
  }
}

/** Settings of this command's user are not the child's: it is told everything by its arguments. */
function ownEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('DRED_') || name === 'DRED_DEBUG'))
}

function firstLine(child: ChildProcess): Promise<string> {
  return new Promise((resolve) => {
    if (!child.stdout) return
    const lines = createInterface({ input: child.stdout })
    // The rest is read and dropped, so that the process never waits for a full pipe.
    lines.once('line', resolve)
  })
}

async function stopChild(child: ChildProcess, { exited, graceMs }: { exited: Promise<string>; graceMs: number }): Promise<void> {
  child.stdin?.end()
  signalGroup(child, 'SIGTERM')
  const timer = setTimeout(() => signalGroup(child, 'SIGKILL'), graceMs)
  await exited
  clearTimeout(timer)
}

function signalGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return
  try {
    process.kill(-child.pid, signal)
  } catch {
    // Gone between the check and the signal.
  }
}

/** For a process of the network: calls back when the one that started it is gone or wants it to end. */
export function onParentGone(callback: () => void): void {
  let called = false
  const once = () => {
    if (called) return
    called = true
    callback()
  }
  process.stdin.on('end', once).on('close', once).on('error', once)
  process.stdin.resume()
  // It keeps nobody alive who has nothing else to do, as after a failed start. A file has no such method.
  if ('unref' in process.stdin) process.stdin.unref()
}
