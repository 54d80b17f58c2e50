import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { createServerKeyFile } from '../../node/src/chain/server-key.ts'
import { endWithProcess } from '../../node/src/testing/end-with-process.ts'
import { freePort } from '../../node/src/testing/free-port.ts'
import { registeredServer } from '../../node/src/testing/registry-view.ts'
import type { SoakedServerOptions } from './server.ts'

const COUNT = 3

interface Running {
  url: string
  adminUrl: string
  child: ChildProcess
}

/** Three servers in processes of their own, linked with each other; the last one has its store in Redis when there is one. */
export class Neighborhood {
  readonly #folder: string
  readonly #running: Running[]

  private constructor(folder: string, running: Running[]) {
    this.#folder = folder
    this.#running = running
  }

  static async start(redis?: string): Promise<Neighborhood> {
    const folder = mkdtempSync(join(tmpdir(), 'dred-soak-'))
    const ids = Array.from({ length: COUNT }, (_, at) => at + 1)
    const ports = await Promise.all(Array.from({ length: COUNT }, freePort))
    const servers = await Promise.all(
      ids.map(async (id, at) =>
        registeredServer(id, { ...(await createServerKeyFile(join(folder, `${id}.key`))), endpoint: `http://127.0.0.1:${ports[at]}` }),
      ),
    )
    const running: Running[] = []
    for (const [at, id] of ids.entries()) {
      const store = redis !== undefined && id === COUNT ? { url: redis } : { path: join(folder, `${id}.sqlite`) }
      const options: SoakedServerOptions = { id, servers, keyFile: join(folder, `${id}.key`), port: ports[at] ?? 0, store }
      running.push(await spawnServer(options))
    }
    return new Neighborhood(folder, running)
  }

  get urls(): string[] {
    return this.#running.map(({ url }) => url)
  }

  /** Of each process: resident MiB, open files, and what its metrics say. */
  async look(): Promise<{ residentMib: number; files: number; heapMib: number; lagMs: number }[]> {
    return Promise.all(
      this.#running.map(async ({ child, adminUrl }) => {
        if (child.exitCode !== null || child.signalCode !== null) throw new Error('A server has ended')
        const status = readFileSync(`/proc/${child.pid}/status`, 'utf8')
        const metrics = await (await fetch(`${adminUrl}/metrics`)).text()
        const value = (name: string): number =>
          Number(new RegExp(`^${name}(?:\\{[^}]*\\})? ([0-9.e+-]+)$`, 'm').exec(metrics)?.[1] ?? Number.NaN)
        return {
          residentMib: Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1_024,
          files: readdirSync(`/proc/${child.pid}/fd`).length,
          heapMib: value('nodejs_heap_size_used_bytes') / 1_048_576,
          lagMs: value('nodejs_eventloop_lag_p99_seconds') * 1_000,
        }
      }),
    )
  }

  async close(): Promise<void> {
    for (const { child } of this.#running) {
      const ended = once(child, 'exit')
      child.kill('SIGTERM')
      await ended
    }
    rmSync(this.#folder, { recursive: true })
  }
}

async function spawnServer(options: SoakedServerOptions): Promise<Running> {
  const script = join(import.meta.dirname, 'server.ts')
  const child = spawn(process.execPath, ['--max-semi-space-size=8', script, JSON.stringify(options)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  endWithProcess(child)
  const first = (await Promise.race([once(createInterface(child.stdout), 'line'), once(child, 'exit')])) as [unknown]
  const { adminUrl } = JSON.parse(String(first[0])) as { adminUrl: string }
  return { url: `http://127.0.0.1:${options.port}`, adminUrl, child }
}
