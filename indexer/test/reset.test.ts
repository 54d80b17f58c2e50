import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type RunningIndexer, startIndexer } from '../supervisor/index.ts'
import { type Chain, createNeighborhood, deploy, startChain } from '../../test/fixtures/chain.ts'

let chain: Chain
let dataDir: string
const running: RunningIndexer[] = []

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'dred-indexer-'))
  chain = await startChain()
})

afterAll(async () => {
  for (const indexer of running) await indexer.stop()
  await chain.close()
  await rm(dataDir, { recursive: true, force: true })
}, 30_000)

async function start(deployment: Parameters<typeof createNeighborhood>[1], rpcUrl: string) {
  const indexer = await startIndexer({ rpcUrl, chainId: deployment.chainId, deployment, dataDir, port: 0 })
  running.push(indexer)
  return indexer
}

type Answer = { status: number; text: string }

/** One request; status 0 when nothing answers. */
async function get(url: string, init?: RequestInit): Promise<Answer> {
  try {
    const response = await fetch(url, init)
    return { status: response.status, text: await response.text() }
  } catch {
    return { status: 0, text: '' }
  }
}

const graphql = (query: string) => ({
  method: 'POST',
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify({ query }),
})

test('after a reset of the chain the old data is never answered, and a restart serves the new', async () => {
  const old = await deploy(chain)
  await createNeighborhood(chain.wallet(0), old, 'of the old chain')
  const indexer = await start(old, chain.rpcUrl)
  expect((await get(`${indexer.url}/v1/neighborhoods/1`)).text).toContain('of the old chain')

  await chain.close()
  const dead = await get(`${indexer.url}/v1/neighborhoods/1`)
  expect(dead).toMatchObject({ status: 503, text: expect.stringContaining('chain_unreachable') })

  chain = await startChain(chain.port)
  const answers: Answer[] = []
  const askEverything = async () => {
    for (const path of ['/v1/ready', '/v1/neighborhoods', '/v1/neighborhoods/1', '/v1/neighborhoods/1/servers']) {
      answers.push(await get(indexer.url + path))
    }
    answers.push(await get(`${indexer.url}/graphql`, graphql('{ neighborhood(id: 1) { name } }')))
  }
  // While the new chain grows from nothing, through contracts at the same addresses, past the height of the old one.
  await askEverything()
  const renewed = await deploy(chain)
  await askEverything()
  await createNeighborhood(chain.wallet(0), renewed, 'of the new chain')
  await askEverything()
  for (let i = 0; i < 5; i++) {
    await chain.clock.mine({ blocks: 1 })
    await askEverything()
  }
  expect(renewed.neighborhoodRegistry).toBe(old.neighborhoodRegistry)
  expect(answers.filter(({ status }) => status !== 503)).toEqual([])
  expect(answers.at(-1)?.text).toContain('stale_chain')

  await indexer.stop()
  const restarted = await start(renewed, chain.rpcUrl.replace('http:', 'ws:'))
  const { status, text } = await get(`${restarted.url}/v1/neighborhoods`)
  expect(status).toBe(200)
  expect(JSON.parse(text).items).toMatchObject([{ id: '1', name: 'of the new chain' }])
  await restarted.stop()
}, 120_000)

test('says what is wrong with the chain before it starts anything', async () => {
  const deployment = await deploy(chain)
  const options = { rpcUrl: chain.rpcUrl, chainId: deployment.chainId, deployment, dataDir, port: 0 }
  const codeOf = (changes: Partial<typeof options>) =>
    startIndexer({ ...options, ...changes }).then(
      () => 'started',
      (error: unknown) => (error instanceof Error && 'code' in error ? error.code : error),
    )
  expect(await codeOf({ rpcUrl: 'http://127.0.0.1:1' })).toBe('chain_unreachable')
  expect(await codeOf({ rpcUrl: 'ws://127.0.0.1:1' })).toBe('chain_unreachable')
  expect(await codeOf({ chainId: 1 })).toBe('wrong_chain')
  expect(await codeOf({ deployment: { ...deployment, startBlock: 1_000_000 } })).toBe('not_deployed')
  const nowhere = '0x00000000000000000000000000000000000000aa'
  for (const registry of ['neighborhoodRegistry', 'serverRegistry', 'complianceRegistry']) {
    expect(await codeOf({ deployment: { ...deployment, [registry]: nowhere } })).toBe('not_deployed')
  }
})

test('gives up a start after its time, or when nobody waits for it any more', async () => {
  const deployment = await deploy(chain)
  const options = { rpcUrl: chain.rpcUrl, chainId: deployment.chainId, deployment, dataDir, port: 0 }
  await expect(startIndexer({ ...options, readyTimeoutMs: 200 })).rejects.toMatchObject({ code: 'timeout' })
  expect(await readdir(dataDir)).not.toContain('pglite')
  const controller = new AbortController()
  const reason = new Error('Ctrl-C')
  const starting = startIndexer({ ...options, signal: controller.signal, logger: () => controller.abort(reason) })
  await expect(starting).rejects.toBe(reason)
  await expect(startIndexer({ ...options, signal: controller.signal })).rejects.toBe(reason)
}, 60_000)
