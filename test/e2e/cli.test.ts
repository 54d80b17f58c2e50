import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Network, startNetwork } from './network.ts'
import { cli, dred, start } from './processes.ts'

describe('the CLI against a running network', () => {
  let network: Network
  beforeAll(async () => {
    network = await startNetwork()
  })
  afterAll(() => network.close())

  /** Runs a command to its end; with exit code 0 its one document. */
  async function json<T>(...args: string[]): Promise<T> {
    const { code, stdout, stderr } = await dred([...args, '--json', '--config', network.config])
    expect(code, stderr).toBe(0)
    return JSON.parse(stdout) as T
  }

  it('creates a channel, sends, tails and lists', async () => {
    const { id } = await json<{ id: string }>('channel', 'create', '--name', 'operators')
    const tail = start(process.execPath, [cli, 'channel', 'tail', id, '--from-start', '--count', '3', '--json', '--config', network.config])
    const sent: string[] = []
    for (const text of ['hello', '{"bet":20}', '你好 🙂']) {
      const { id: message } = await json<{ id: string }>('channel', 'send', id, text)
      sent.push(message)
    }
    expect(await tail.exited, tail.stderr()).toBe(0)
    const lines = tail
      .stdout()
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { id: string; message: unknown })
    expect(lines.map(({ message }) => message)).toEqual(['hello', { bet: 20 }, '你好 🙂'])
    expect(lines.map((line) => line.id)).toEqual(sent)

    const { items } = await json<{ items: { id: string; name: string | null }[] }>('channel', 'list')
    expect(items).toContainEqual(expect.objectContaining({ id, name: 'operators' }))
  })

  it('shows what discovery knows', async () => {
    const shown = await json<{ neighborhood: { id: string; activeServers: number }; servers: { id: number; status: string }[] }>(
      'neighborhood',
      'show',
      network.neighborhood,
    )
    expect(shown.neighborhood).toMatchObject({ id: network.neighborhood, activeServers: 3 })
    expect(shown.servers.map(({ id, status }) => `${id} ${status}`)).toEqual(network.servers.map(({ id }) => `${id} active`))
  })

  it.each([
    { name: 'a channel that nobody knows', args: ['channel', 'send', 'A'.repeat(43), 'x'], code: 1, says: /know/ },
    { name: 'a channel id that is none', args: ['channel', 'send', 'poker', 'x'], code: 2, says: /poker|id/ },
    { name: 'a flag that is none', args: ['channel', 'list', '--jsno'], code: 2, says: /jsno/ },
  ])('answers $name with one sentence and its exit code', async ({ args, code, says }) => {
    const result = await dred([...args, '--config', network.config])
    expect(result.stderr).toMatch(says)
    expect(result.code, result.stderr).toBe(code)
    expect(result.stdout).toBe('')
  })
})
