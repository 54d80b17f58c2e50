import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { endWithProcess } from '../../node/src/testing/end-with-process.ts'

export const root = join(import.meta.dirname, '../..')
export const cli = join(root, 'cli/bin/run.js')

/** A process whose output is kept. */
export interface Process {
  readonly child: ChildProcess
  stdout(): string
  stderr(): string
  /** Resolves with the exit code, or the signal's name. */
  readonly exited: Promise<number | string>
  /** Resolves when `condition` holds for the output so far; rejects when the process ends before. */
  output(condition: (output: { stdout: string; stderr: string }) => boolean): Promise<void>
}

/** Starts a program; whatever is still running when the test process ends is killed with it. */
export function start(command: string, args: string[], options: { cwd?: string; env?: NodeJS.ProcessEnv } = {}): Process {
  const child = spawn(command, args, { cwd: options.cwd ?? root, env: { ...process.env, ...options.env }, stdio: ['pipe', 'pipe', 'pipe'] })
  const text = { stdout: '', stderr: '' }
  let changed: () => void = () => undefined
  let gone: number | string | undefined
  for (const stream of ['stdout', 'stderr'] as const) {
    child[stream].setEncoding('utf8').on('data', (chunk: string) => {
      text[stream] += chunk
      changed()
    })
  }
  const exited = new Promise<number | string>((resolve, reject) => {
    child.once('error', reject)
    // 'close' comes after the last output.
    child.once('close', (code, signal) => {
      gone = code ?? signal ?? 'unknown'
      changed()
      resolve(gone)
    })
  })
  endWithProcess(child)
  return {
    child,
    stdout: () => text.stdout,
    stderr: () => text.stderr,
    exited,
    async output(condition) {
      while (!condition(text)) {
        if (gone !== undefined) throw new Error(`${command} ${args.join(' ')} ended with ${gone}\n${text.stdout}\n${text.stderr}`)
        await new Promise<void>((resolve) => {
          changed = resolve
        })
      }
    },
  }
}

/** Runs the CLI to its end. */
export async function dred(
  args: string[],
  options: { cwd?: string } = {},
): Promise<{ code: number | string; stdout: string; stderr: string }> {
  const run = start(process.execPath, [cli, ...args], options)
  const code = await run.exited
  return { code, stdout: run.stdout(), stderr: run.stderr() }
}

/** Kills a process that this one did not start and waits until it is gone. */
export async function killed(pid: number, signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
  process.kill(pid, signal)
  await until(() => !isAlive(pid))
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

/** Polls a condition that has no event of its own; the test's own timeout bounds it. */
export async function until<T>(condition: () => T | Promise<T>): Promise<NonNullable<T>> {
  for (;;) {
    const value = await condition()
    if (value) return value
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

/** Sends a signal and waits for the end. */
export async function stop(process_: Process, signal: NodeJS.Signals = 'SIGINT'): Promise<number | string> {
  if (process_.child.exitCode === null && process_.child.signalCode === null) process_.child.kill(signal)
  return process_.exited
}

/** Whether somebody listens on a loopback port. */
export async function isListening(url: string): Promise<boolean> {
  const { connect } = await import('node:net')
  const { hostname, port } = new URL(url)
  const socket = connect(Number(port), hostname)
  try {
    await once(socket, 'connect')
    return true
  } catch {
    return false
  } finally {
    socket.destroy()
  }
}
