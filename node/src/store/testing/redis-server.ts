import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, stat, truncate } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { endWithProcess } from '../../testing/end-with-process.ts'
import { freePort } from '../../testing/free-port.ts'

export interface RedisServerOptions {
  /** Default: a free one. */
  port?: number
  /** Where Redis keeps its files. Default: a new temporary directory, which {@link RedisServer.stop} removes. */
  dir?: string
  /** Whether what was answered survives the end of the process: an append-only file, synchronised with every write. Default: yes. */
  appendonly?: boolean
  /** Further arguments of `redis-server`. */
  args?: readonly string[]
}

/** A Redis of one's own, on the loopback interface. */
export interface RedisServer {
  readonly url: string
  readonly port: number
  readonly dir: string
  /** SIGKILL, as a crash would; resolves once the process is gone. The data stays for {@link restart}. */
  kill(): Promise<void>
  /** Stops it where it is, as a machine that swaps does. */
  freeze(): void
  /** Lets it go on. */
  thaw(): void
  /** Starts it again on the same port with the same data. */
  restart(): Promise<void>
  /**
   * Cuts off the end of what the killed server wrote, anywhere: what a power cut does that comes before the file was synchronised.
   * @param bytes to keep; all, when there are no more
   */
  keepOnly(bytes: number): Promise<void>
  /** How much it has written: bytes of its append-only file. */
  written(): Promise<number>
  /** Ends it for good. */
  stop(): Promise<void>
}

/** Starts a `redis-server` process that belongs to the caller alone. @throws when there is none or it does not get ready */
export async function startRedis({ port, dir, appendonly = true, args: further = [] }: RedisServerOptions = {}): Promise<RedisServer> {
  const ownPort = port ?? (await freePort())
  const ownDir = dir ?? (await mkdtemp(join(tmpdir(), 'dred-redis-')))
  const args = ['--port', `${ownPort}`, '--bind', '127.0.0.1', '--dir', ownDir, '--save', '', '--daemonize', 'no', '--loglevel', 'notice']
  args.push('--appendonly', appendonly ? 'yes' : 'no', '--appendfsync', 'always', ...further)
  const log = join(ownDir, 'appendonlydir/appendonly.aof.1.incr.aof')
  let child = await launch(args)

  const end = async (signal: NodeJS.Signals): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return
    const exited = once(child, 'exit')
    child.kill(signal)
    await exited
  }
  return {
    url: `redis://127.0.0.1:${ownPort}`,
    port: ownPort,
    dir: ownDir,
    kill: () => end('SIGKILL'),
    freeze: () => void child.kill('SIGSTOP'),
    thaw: () => void child.kill('SIGCONT'),
    async restart() {
      await end('SIGKILL')
      child = await launch(args)
    },
    async keepOnly(bytes) {
      await truncate(log, Math.min(bytes, (await stat(log)).size))
    },
    written: async () => (await stat(log)).size,
    async stop() {
      child.kill('SIGCONT')
      await end('SIGTERM')
      if (dir === undefined) await rm(ownDir, { recursive: true, force: true })
    },
  }
}

/** @param ready what it logs once it is */
export async function launch(args: readonly string[], ready = 'Ready to accept connections'): Promise<ChildProcess> {
  const child = spawn('redis-server', args, { stdio: ['ignore', 'pipe', 'pipe'] })
  // Also when the tests are interrupted.
  endWithProcess(child)
  let output = ''
  await new Promise<void>((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', (code) => reject(new Error(`redis-server ended with ${code}:\n${output}`)))
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        output = (output + text).slice(-4_000)
        if (output.includes(ready)) resolve()
      })
    }
  })
  return child
}
