import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'

/** Milliseconds before a worker that died is started again: doubles each time until one has lived for a while. */
const RESTART_MS = { first: 500, most: 30_000 }
const LIVED_MS = 60_000

export interface WorkersOptions {
  /** How many beside this process. */
  count: number
  /** Arguments of the first worker, the second, … counted from 1. */
  args: (worker: number) => string[]
  /** Tells the operator. */
  note: (text: string) => void
}

/** Further processes of this program. They end when this one does, however it does; one that dies is started again. */
export class Workers {
  readonly #options: WorkersOptions
  readonly #children = new Map<number, ChildProcess>()
  readonly #restarts = new Map<number, NodeJS.Timeout>()
  readonly #failures = new Map<number, number>()
  #stopping = false

  constructor(options: WorkersOptions) {
    this.#options = options
  }

  start(): void {
    for (let worker = 1; worker <= this.#options.count; worker++) this.#start(worker)
  }

  /** Asks all to end, and kills what has not after `graceMs`. */
  async stop(graceMs: number): Promise<void> {
    this.#stopping = true
    for (const timer of this.#restarts.values()) clearTimeout(timer)
    await Promise.all(
      Array.from(this.#children.values(), async (child) => {
        const exited = once(child, 'exit')
        child.stdin?.end()
        const timer = setTimeout(() => child.kill('SIGKILL'), graceMs)
        await exited
        clearTimeout(timer)
      }),
    )
  }

  #start(worker: number): void {
    const startedAt = performance.now()
    // A group of its own: a Ctrl-C at the terminal reaches this process only, which then stops the others.
    const child = spawn(process.execPath, [...process.execArgv, ...this.#options.args(worker)], {
      stdio: ['pipe', 'ignore', 'inherit'],
      detached: true,
    })
    this.#children.set(worker, child)
    // The pipe breaks when the worker dies first; its exit says more.
    child.stdin?.on('error', () => undefined)
    const ended = (how: string): void => {
      if (!this.#children.delete(worker) || this.#stopping) return
      const failures = performance.now() - startedAt > LIVED_MS ? 0 : (this.#failures.get(worker) ?? 0)
      this.#failures.set(worker, failures + 1)
      const waitMs = Math.min(RESTART_MS.first * 2 ** failures, RESTART_MS.most)
      this.#options.note(`Worker ${worker} ended (${how}); starting it again in ${waitMs / 1_000} s.`)
      this.#restarts.set(
        worker,
        setTimeout(() => this.#start(worker), waitMs),
      )
    }
    child.once('error', (error) => ended(error.message))
    child.once('exit', (code, signal) => ended(signal ?? `exit code ${code}`))
  }
}
