// Needs the built chain process: `tsc -b` first.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { endWithProcess } from '../../../node/src/testing/end-with-process.ts'
import { chainModule } from '../testing/harness.ts'
import { startChild } from './child.ts'
import { isAlive } from './lock.ts'

let directory: string

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'dred-child-'))
})

afterEach(() => rm(directory, { recursive: true, force: true }))

const options = () => ({ name: 'part', args: [], logFile: join(directory, 'log'), cwd: directory, signal: new AbortController().signal })

async function moduleOf(source: string): Promise<string> {
  const file = join(directory, 'part.mjs')
  await writeFile(file, source)
  return file
}

test('a process of the network ends with the one that started it, even when that is killed', async () => {
  const childModule = fileURLToPath(new URL('../../dist/dev/child.js', import.meta.url))
  const source = `
    import { startChild } from ${JSON.stringify(childModule)}
    const signal = new AbortController().signal
    const child = await startChild({ name: 'chain', module: ${JSON.stringify(chainModule)}, args: ['0'], logFile: 'log', cwd: '.', signal })
    console.log(JSON.stringify({ pid: child.pid, ...child.ready }))`
  const parent = spawn(process.execPath, ['--input-type=module', '-e', source], { cwd: directory, stdio: ['ignore', 'pipe', 'inherit'] })
  endWithProcess(parent)
  const [line] = (await once(createInterface({ input: parent.stdout }), 'line')) as [string]
  const { pid, rpcUrl } = JSON.parse(line) as { pid: number; rpcUrl: string }
  expect(isAlive(pid)).toBe(true)
  parent.kill('SIGKILL')
  await vi.waitFor(() => expect(isAlive(pid)).toBe(false), { timeout: 10_000 })
  await expect(fetch(rpcUrl)).rejects.toThrow('fetch failed')
})

test('stopping ends the process in order, and a deaf one by force', async () => {
  const chain = await startChild({ ...options(), module: chainModule, args: ['0'] })
  await chain.stop(10_000)
  expect(await chain.exited).toBe('exit code 0')

  const deaf = `process.on('SIGTERM', () => {}); setInterval(() => {}, 1000); console.log('{}')`
  const child = await startChild({ ...options(), module: await moduleOf(deaf) })
  await child.stop(50)
  expect(await child.exited).toBe('SIGKILL')
})

test('one that fails at the start is said to have, with its log', async () => {
  const failing = startChild({ ...options(), module: await moduleOf('process.exit(3)') })
  await expect(failing).rejects.toMatchObject({ code: 'child_failed', message: expect.stringMatching(/exit code 3.*log/) })
})
