import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { readRecord, temporaryFolder } from './network.ts'
import { cli, dred, isAlive, isListening, killed, start, stop, until } from './processes.ts'

describe('dred dev', () => {
  const folders: { remove(): void }[] = []
  afterEach(() => {
    for (const folder of folders.splice(0)) folder.remove()
  })
  const folder = (): string => {
    const made = temporaryFolder()
    folders.push(made)
    return made.path
  }

  it('plays to the end, prints one document and exits 0 when nothing was lost', async () => {
    const { code, stdout, stderr } = await dred(['dev', '--example', 'poker', '--once', '--json', '--speed', '60'], { cwd: folder() })
    expect(code, stderr).toBe(0)
    const summary = JSON.parse(stdout) as Record<string, unknown>
    expect(summary).toMatchObject({ lost: 0, duplicates: 0 })
    expect(summary['published']).toBeGreaterThan(100)
    expect(summary['delivered']).toBe(summary['expected'])
    expect(summary['latencyMs']).toEqual({ p50: expect.any(Number), p99: expect.any(Number) })
    expect(summary['tables']).toHaveLength(3)
    const servers = summary['servers'] as { accepted: number; replicated: number }[]
    expect(servers).toHaveLength(3)
    expect(servers.reduce((sum, { accepted }) => sum + accepted, 0)).toBeGreaterThanOrEqual(summary['published'] as number)
    for (const { replicated } of servers) expect(replicated).toBeGreaterThan(0)
  })

  it('stops every process and port at Ctrl-C, starts again at once and keeps its identity; --reset begins anew', async () => {
    const cwd = folder()
    const run = async (args: string[] = []) => {
      const process_ = start(process.execPath, [cli, 'dev', '--no-open', ...args], { cwd })
      const died = process_.exited.then((code) => {
        throw new Error(`ended with ${code}: ${process_.stderr()}`)
      })
      const record = await Promise.race([until(() => readRecord(cwd)), died])
      died.catch(() => undefined)
      const keys = await Promise.all(
        record.servers.map(
          async ({ endpoint }) =>
            ((await (await fetch(`${endpoint}/.well-known/dred`)).json()) as { server: { keyId: string } }).server.keyId,
        ),
      )
      expect(await stop(process_)).toBe(130)
      const urls = [record.rpcUrl, record.discovery, ...record.servers.flatMap(({ endpoint, adminUrl }) => [endpoint, adminUrl])]
      for (const url of urls) expect(await isListening(url), url).toBe(false)
      for (const { pid } of record.servers) expect(isAlive(pid ?? 0)).toBe(false)
      return { keys, endpoints: record.servers.map(({ endpoint }) => endpoint) }
    }
    const first = await run()
    expect(await run()).toEqual(first)
    expect((await run(['--reset'])).keys).not.toEqual(first.keys)
  })

  it('leaves nothing behind when it is killed, and says who runs when it is started twice', async () => {
    const cwd = folder()
    const process_ = start(process.execPath, [cli, 'dev', '--no-open'], { cwd })
    const record = await until(() => readRecord(cwd))
    const second = await dred(['dev', '--no-open'], { cwd })
    expect(second.code).toBe(1)
    expect(second.stderr).toContain(String(process_.child.pid))
    await killed(process_.child.pid ?? 0)
    await until(async () => {
      const listening = await Promise.all(
        [record.rpcUrl, record.discovery, ...record.servers.map(({ endpoint }) => endpoint)].map(isListening),
      )
      return listening.every((is) => !is) && record.servers.every(({ pid }) => !isAlive(pid ?? 0))
    })
    expect(existsSync(join(cwd, '.dred/dev'))).toBe(true)
  })
})
