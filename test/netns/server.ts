import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createWriteStream, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { cli } from '../e2e/processes.ts'
import { inNamespace } from './lab.ts'
import { ADMIN_PORT, type Host, REDIS_PORT } from './neighborhood.ts'

const execute = promisify(execFile)
const SCRAPE_MS = 30_000

/** Values of Prometheus' text format by name and labels. */
export type Metrics = ReadonlyMap<string, number>

/** A `dred serve` in its namespace, with its Redis if it has one. */
export class Server {
  readonly host: Host
  readonly #namespace: string
  #server: ChildProcess | undefined
  #redis: ChildProcess | undefined
  /** Of processes that were killed, as they were shortly before. */
  readonly #past = new Map<string, number>()

  constructor(host: Host, namespace: string) {
    this.host = host
    this.#namespace = namespace
  }

  /** Whether it serves, as far as is known here. */
  get runs(): boolean {
    return this.#server !== undefined
  }

  /** Resolves when it serves. @throws Error when it ends before */
  async start(): Promise<void> {
    if (this.host.store === 'redis' && !this.#redis) await this.startStore()
    // It ends with this process: its stdin does.
    const server = this.#spawn('server', [process.execPath, cli, 'serve', '--supervised', '--config', this.host.config])
    await firstOutput(server, () => true)
    this.#server = server
  }

  async startStore(): Promise<void> {
    const folder = join(this.host.folder, `redis-${this.host.id}`)
    mkdirSync(folder, { recursive: true })
    const durable = ['--appendonly', 'yes', '--appendfsync', 'always', '--save', '']
    this.#redis = this.#spawn('redis', ['redis-server', '--port', `${REDIS_PORT}`, '--bind', '127.0.0.1', '--dir', folder, ...durable])
    await firstOutput(this.#redis, (text) => text.includes('Ready to accept connections'))
  }

  /** kill -9; resolves when it is gone. */
  async kill(): Promise<void> {
    for (const [name, value] of await this.#scrape()) this.#past.set(name, (this.#past.get(name) ?? 0) + value)
    const server = this.#server
    this.#server = undefined
    await killed(server)
  }

  async killStore(): Promise<void> {
    const redis = this.#redis
    this.#redis = undefined
    await killed(redis)
  }

  async signal(signal: 'SIGSTOP' | 'SIGCONT'): Promise<void> {
    this.#server?.kill(signal)
  }

  /** Counters of all its processes so far together. */
  async metrics(): Promise<Metrics> {
    const now = await this.#scrape()
    for (const [name, value] of this.#past) now.set(name, (now.get(name) ?? 0) + value)
    return now
  }

  async #scrape(): Promise<Map<string, number>> {
    if (!this.#server) return new Map()
    const [command, args] = inNamespace(this.#namespace, ['curl', '-fsS', `http://127.0.0.1:${ADMIN_PORT}/metrics`])
    const { stdout } = await execute(command, args, { timeout: SCRAPE_MS, maxBuffer: 4_194_304 })
    return parseMetrics(stdout)
  }

  #spawn(name: string, program: string[]): ChildProcess {
    const [command, args] = inNamespace(this.#namespace, program)
    const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'] })
    const log = createWriteStream(join(this.host.folder, `${name}-${this.host.id}.log`), { flags: 'a' })
    child.stdout?.pipe(log, { end: false })
    child.stderr?.pipe(log, { end: false })
    child.stdin?.on('error', () => undefined)
    return child
  }
}

/** Waits for something that a process prints. */
async function firstOutput(child: ChildProcess, isIt: (text: string) => boolean): Promise<void> {
  let text = ''
  await new Promise<void>((resolve, reject) => {
    const read = (chunk: Buffer): void => {
      text += chunk.toString()
      if (!isIt(text)) return
      child.stdout?.off('data', read)
      resolve()
    }
    child.stdout?.on('data', read)
    child.once('exit', (code, signal) => reject(new Error(`${child.spawnargs.join(' ')} ended with ${signal ?? code}; see its log`)))
    child.once('error', reject)
  })
}

async function killed(child: ChildProcess | undefined): Promise<void> {
  if (!child || child.exitCode !== null || child.signalCode !== null) return
  const gone = once(child, 'exit')
  child.kill('SIGKILL')
  await gone
}

/** @param text Prometheus' text format, without timestamps */
function parseMetrics(text: string): Map<string, number> {
  const samples = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'))
  return new Map(
    samples.map((line) => {
      const at = line.lastIndexOf(' ')
      return [line.slice(0, at), Number(line.slice(at + 1))]
    }),
  )
}
