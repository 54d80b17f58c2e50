import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Network, startNetwork } from './network.ts'
import { root, start } from './processes.ts'

/** The page's bash blocks, in order: what the documentation shows is what runs here. */
const script = [...readFileSync(join(root, 'docs/curl.md'), 'utf8').matchAll(/^```bash\n([\s\S]*?)^```/gm)]
  .map(([, block]) => block)
  .join('\n')

describe('the client in bash, openssl and curl', () => {
  let network: Network
  beforeAll(async () => {
    network = await startNetwork()
  })
  afterAll(() => network.close())

  it('creates a channel, posts to one server, checks its receipt and reads from another', async () => {
    const run = start('bash', ['-c', script], { env: { DISCOVERY: network.discovery, NEIGHBORHOOD: network.neighborhood } })
    const code = await run.exited
    expect(code, run.stderr()).toBe(0)
    expect(run.stderr()).toBe('Verified OK\n')
    const lines = run.stdout().trim().split('\n')
    const published = JSON.parse((lines[0] ?? '').replace('published ', '')) as { id: string }
    const streamed = lines.slice(1, 3).map((line) => JSON.parse(line) as { id: string; message: unknown; type: string })
    expect(streamed.map(({ message }) => message)).toEqual([{ hand: 1, action: 'cbr 47.50' }, 'well played'])
    expect(streamed[0]?.id).toBe(published.id)
    const page = JSON.parse(lines[3] ?? '') as { items: { id: string }[] }
    expect(page.items.map(({ id }) => id)).toEqual(streamed.map(({ id }) => id))
  })
})
