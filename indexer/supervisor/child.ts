import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { setTimeout as delay } from 'node:timers/promises'

/** One line of Ponder's JSON log. `level` is pino's: 30 info, 40 warning, 50 error. */
export type LogLine = { level: number; msg: string; [key: string]: unknown }

export type ChildExit = { code: number | null; signal: NodeJS.Signals | null; lastLines: readonly string[] }

export type PonderChild = {
  /** Resolves with the port that the HTTP server really got: Ponder takes the next one when its own is busy. */
  port: Promise<number>
  /** Resolves when the process is gone, whatever ended it. */
  exited: Promise<ChildExit>
  /** Ends the process and its children: SIGTERM, and SIGKILL after `killAfterMs`. Resolves when they are gone. */
  stop(): Promise<ChildExit>
}

export type ChildOptions = {
  command: string
  args: readonly string[]
  cwd: string
  env: NodeJS.ProcessEnv
  onLog: (line: LogLine) => void
  killAfterMs: number
}

const KEPT_LINES = 20

/** Starts Ponder as the leader of its own process group, with an IPC channel whose end tells it that this process is gone. */
export function startChild(options: ChildOptions): PonderChild {
  const { cwd, env, onLog, killAfterMs } = options
  const child = spawn(options.command, options.args, { cwd, env, detached: true, stdio: ['ignore', 'pipe', 'pipe', 'ipc'] })
  const lastLines: string[] = []
  const port = Promise.withResolvers<number>()

  const keep = (line: string) => {
    lastLines.push(line)
    if (lastLines.length > KEPT_LINES) lastLines.shift()
  }
  const closed = Promise.all([
    eachLine(child.stdout, (text) => {
      const line = parseLine(text)
      keep(describeLine(line))
      onLog(line)
      if (line.msg === 'Created HTTP server' && typeof line.port === 'number') port.resolve(line.port)
    }),
    eachLine(child.stderr, (text) => {
      keep(text)
      onLog({ level: 50, msg: text })
    }),
  ])
  const exited = waitForExit(child, closed).then(({ code, signal }) => ({ code, signal, lastLines }))

  return {
    port: port.promise,
    exited,
    async stop() {
      signalGroup(child, 'SIGTERM')
      const timeout = new AbortController()
      const killed = delay(killAfterMs, undefined, { signal: timeout.signal }).then(
        () => signalGroup(child, 'SIGKILL'),
        () => undefined,
      )
      const exit = await exited
      timeout.abort()
      await killed
      // What it started (Vite's esbuild) ends with it; this is for what did not.
      signalGroup(child, 'SIGKILL')
      return exit
    },
  }
}

/** A line that is not JSON, such as a crash of Node itself, counts as an error. */
export function parseLine(text: string): LogLine {
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value === 'object' && value !== null && 'msg' in value && typeof value.msg === 'string') {
      return { ...value, level: 'level' in value && typeof value.level === 'number' ? value.level : 30, msg: value.msg }
    }
  } catch {
    // Not JSON.
  }
  return { level: 50, msg: text }
}

/** The line for people: the message, and the error's own if it has one. */
export function describeLine({ msg, error }: LogLine): string {
  const cause = typeof error === 'object' && error !== null && 'message' in error ? String(error.message) : undefined
  return cause === undefined ? msg : `${msg}: ${cause}`
}

async function eachLine(stream: Readable | null, onLine: (line: string) => void): Promise<void> {
  if (stream === null) return
  for await (const line of createInterface({ input: stream })) if (line !== '') onLine(line)
}

async function waitForExit(child: ChildProcess, outputClosed: Promise<unknown>): Promise<Pick<ChildExit, 'code' | 'signal'>> {
  if (child.pid === undefined) {
    const [error] = await once(child, 'error')
    throw error
  }
  const [code, signal]: [number | null, NodeJS.Signals | null] = await new Promise((resolve) =>
    child.once('exit', (...exit) => resolve(exit)),
  )
  if (child.connected) child.disconnect()
  await outputClosed
  return { code, signal }
}

function signalGroup({ pid }: ChildProcess, signal: NodeJS.Signals): void {
  if (pid === undefined) return
  try {
    process.kill(-pid, signal)
  } catch (error) {
    // Gone already.
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error
  }
}
