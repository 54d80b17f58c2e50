import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { freePort } from '../../node/src/testing/free-port.ts'
import { type Network, startNetwork } from './network.ts'
import { cli, dred, type Process, root, start, stop, until } from './processes.ts'

/** The page's bash blocks: what the documentation shows is what runs here, on a port of its own. */
const [practice = '', attesting = ''] = [
  ...readFileSync(join(root, 'docs/operating/README.md'), 'utf8').matchAll(/^```bash\n([\s\S]*?)^```/gm),
].map(([, block]) => block ?? '')

describe('the operator who practises on the local network', () => {
  let network: Network
  let server: Process | undefined
  beforeAll(async () => {
    network = await startNetwork()
  })
  afterAll(async () => {
    if (server) await stop(server, 'SIGTERM')
    await network.close()
  })

  it('makes keys, is funded, registers, stakes, is attested, serves what the others have, and comes back after kill -9', async () => {
    const port = await freePort()
    const endpoint = `http://127.0.0.1:${port}`
    const script = practice.replaceAll('http://127.0.0.1:8080', endpoint)
    expect(script).toContain(endpoint)
    // `npx` finds this checkout's program only inside the checkout.
    const programs = join(network.folder, 'programs')
    mkdirSync(programs)
    writeFileSync(join(programs, 'npx'), `#!/bin/sh\nshift\nexec '${process.execPath}' '${cli}' "$@"\n`, { mode: 0o755 })
    const env = { PATH: `${programs}:${process.env['PATH']}` }

    const { id } = await json<{ id: string }>(network, 'channel', 'create', '--name', 'before the fourth')
    await json(network, 'channel', 'send', id, 'an old message')
    const run = start('bash', ['-euo', 'pipefail', '-c', `${script}\nenv`], { cwd: network.folder, env })
    expect(await run.exited, run.stderr()).toBe(0)
    const settings = Object.fromEntries(
      run
        .stdout()
        .split('\n')
        .filter((line) => line.startsWith('DRED_'))
        .map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
    )
    const adminPort = await freePort()
    const serve = async (): Promise<Process> => {
      const args = [cli, 'serve', '--port', String(port), '--admin-port', String(adminPort)]
      const process_ = start(process.execPath, args, { cwd: network.folder, env: settings })
      await process_.output(({ stdout }) => stdout.includes(`Server 4 of neighborhood ${network.neighborhood} serves at ${endpoint}`))
      return process_
    }
    const messages = async (): Promise<unknown[] | undefined> => {
      const response = await fetch(`${endpoint}/channel/${id}/messages`).catch(() => undefined)
      if (!response?.ok) return undefined
      return ((await response.json()) as { items: { message: unknown }[] }).items.map(({ message }) => message)
    }

    server = await serve()
    expect(await messages()).toBeUndefined()
    const attested = start('bash', ['-euo', 'pipefail', '-c', attesting], {
      cwd: network.folder,
      env: { ...env, DRED_CONFIG: network.config },
    })
    expect(await attested.exited, attested.stdout() + attested.stderr()).toBe(0)
    expect(attested.stdout()).toMatch(new RegExp(`4 +active +\\S+ +${endpoint} +150 DRED`))
    await until(async () => (await messages())?.includes('an old message'))
    expect(await stop(server, 'SIGKILL')).toBe('SIGKILL')
    await json(network, 'channel', 'send', id, 'while it was away')
    server = await serve()
    await until(async () => (await messages())?.length === 2)
    expect(await messages()).toEqual(['an old message', 'while it was away'])
    expect(await stop(server, 'SIGTERM')).toBe(0)
  })
})

async function json<T>(network: Network, ...args: string[]): Promise<T> {
  const { code, stdout, stderr } = await dred([...args, '--json', '--config', network.config])
  expect(code, stderr).toBe(0)
  return JSON.parse(stdout) as T
}
