import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { describeLine, type LogLine, parseLine, startChild } from './child.ts'

let directory: string

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'dred-child-'))
})
afterAll(() => rm(directory, { recursive: true, force: true }))

/** Runs a script in place of Ponder. */
async function run(script: string) {
  const file = join(directory, `${crypto.randomUUID()}.mjs`)
  await writeFile(file, script)
  const lines: LogLine[] = []
  const child = startChild({
    command: process.execPath,
    args: [file],
    cwd: directory,
    env: process.env,
    onLog: (line) => lines.push(line),
    killAfterMs: 300,
  })
  return { child, lines }
}

const SERVER_LINE = JSON.stringify({ level: 30, msg: 'Created HTTP server', port: 42_070 })
const log = (text: string) => `console.log(JSON.stringify({ level: 30, msg: ${text}, pid: process.pid }));`

test('finds the port in the log', async () => {
  const { child } = await run(`console.log('${SERVER_LINE}'); setInterval(() => {}, 1000)`)
  expect(await child.port).toBe(42_070)
  expect(await child.stop()).toMatchObject({ code: null, signal: 'SIGTERM' })
})

test('keeps the last lines of a process that ended, of both streams', async () => {
  const { child, lines } = await run(`for (let i = 0; i < 30; i++) ${log('`line ${i}`')} throw new Error('broken')`)
  const { code, lastLines } = await child.exited
  expect(code).toBe(1)
  expect(lastLines).toHaveLength(20)
  expect(lastLines.join('\n')).toContain('Error: broken')
  expect(lines.filter(({ msg }) => msg.startsWith('line '))).toHaveLength(30)
})

test('kills one that does not listen, and what it started', async () => {
  // A connection ends with its process, whoever has to reap that.
  const connected = Promise.withResolvers<Socket>()
  const server = createServer((socket) => connected.resolve(socket)).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const stubborn = "process.on('SIGTERM', () => {}); setInterval(() => {}, 1000);"
  const grandchild = `${stubborn} require('node:net').connect(${port}, '127.0.0.1').on('error', () => {})`
  const { child } = await run(`import { spawn } from 'node:child_process'
    ${stubborn}
    spawn(process.execPath, ['-e', ${JSON.stringify(grandchild)}], { stdio: 'ignore' })`)
  const connection = await connected.promise
  const ended = once(connection.on('error', () => undefined).resume(), 'close')
  expect(await child.stop()).toMatchObject({ signal: 'SIGKILL' })
  await ended
  server.close()
})

test('stopping one that is gone changes nothing', async () => {
  const { child } = await run('process.exit(3)')
  await child.exited
  expect(await child.stop()).toMatchObject({ code: 3 })
  expect(await child.stop()).toMatchObject({ code: 3 })
})

test('reads log lines', () => {
  expect(parseLine('{"level":50,"msg":"no","error":{"message":"why"}}')).toEqual({ level: 50, msg: 'no', error: { message: 'why' } })
  expect(parseLine('{"msg":1}')).toEqual({ level: 50, msg: '{"msg":1}' })
  expect(parseLine('plain')).toEqual({ level: 50, msg: 'plain' })
  expect(describeLine({ level: 50, msg: 'no', error: { message: 'why' } })).toBe('no: why')
  expect(describeLine({ level: 30, msg: 'yes' })).toBe('yes')
})
