import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { acquireLock, liveOwner } from './lock.ts'
import { choosePorts } from './state.ts'

let directory: string
let path: string

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'dred-lock-'))
  path = join(directory, 'deep', 'lock.json')
})

afterEach(() => rm(directory, { recursive: true, force: true }))

describe('the lock', () => {
  test('keeps a second one out, naming the process, until it is released', async () => {
    const lock = await acquireLock(path)
    await expect(acquireLock(path)).rejects.toMatchObject({
      exitCode: 1,
      code: 'already_running',
      message: expect.stringContaining(String(process.pid)),
    })
    await lock.release()
    await (await acquireLock(path)).release()
    expect(await readdir(join(directory, 'deep'))).toEqual([])
  })

  test('only one of many at once gets it', async () => {
    const results = await Promise.allSettled(Array.from({ length: 8 }, () => acquireLock(path)))
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
  })

  test('of a dead process does not count', async () => {
    const child = spawn(process.execPath, ['-e', ''])
    await once(child, 'exit')
    const lock = await acquireLock(path)
    await lock.release()
    await writeFile(path, JSON.stringify({ pid: child.pid, startedTicks: '1', startedAt: '', network: null }))
    expect(await liveOwner(path)).toBeUndefined()
    await (await acquireLock(path)).release()
  })

  test('of a process whose id another one has now does not count', async () => {
    await (await acquireLock(path)).release()
    await writeFile(path, JSON.stringify({ pid: process.pid, startedTicks: '1', startedAt: '', network: null }))
    expect(await liveOwner(path)).toBeUndefined()
  })

  test('that is damaged does not count', async () => {
    await (await acquireLock(path)).release()
    await writeFile(path, '{')
    await (await acquireLock(path)).release()
    expect(await liveOwner(path)).toBeUndefined()
  })

  test('says where the network is once it is there', async () => {
    const lock = await acquireLock(path)
    const network = { chainId: 1, rpcUrl: 'http://a', discovery: 'http://b', page: null, neighborhood: '1', servers: [] }
    await lock.publish(network)
    expect(await liveOwner(path)).toMatchObject({ pid: process.pid, network })
    await lock.release()
  })
})

describe('ports', () => {
  const free = async (port: number) => {
    const probe = createServer()
    probe.listen(port, '127.0.0.1')
    await once(probe, 'listening')
    return probe
  }
  const all = ({ chain, discovery, page, servers }: Awaited<ReturnType<typeof choosePorts>>) => [
    chain,
    discovery,
    page,
    ...servers.flatMap(({ port, adminPort }) => [port, adminPort]),
  ]

  test('are distinct, remembered and chosen again where taken', async () => {
    const file = join(directory, 'state.json')
    const first = await choosePorts(file, { servers: 3, base: undefined })
    expect(new Set(all(first)).size).toBe(9)
    expect(await choosePorts(file, { servers: 3, base: undefined })).toEqual(first)

    const holder = await free(first.discovery)
    const second = await choosePorts(file, { servers: 3, base: undefined })
    expect(second.discovery).not.toBe(first.discovery)
    expect({ ...second, discovery: 0 }).toEqual({ ...first, discovery: 0 })
    holder.close()
  })

  test('of servers that a run leaves out are remembered too', async () => {
    const file = join(directory, 'state.json')
    const three = await choosePorts(file, { servers: 3, base: undefined })
    await choosePorts(file, { servers: 1, base: undefined })
    expect(await choosePorts(file, { servers: 3, base: undefined })).toEqual(three)
  })

  test('a damaged file does not count', async () => {
    const file = join(directory, 'state.json')
    await writeFile(file, '{"ports":{"chain":-1,"servers":[]}}')
    expect(all(await choosePorts(file, { servers: 1, base: undefined })).every((port) => port > 0)).toBe(true)
    expect(JSON.parse(await readFile(file, 'utf8'))).toMatchObject({ ports: { chain: expect.any(Number) } })
  })
})
