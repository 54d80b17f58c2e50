import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'vitest'
import { type Chain, deploy, type Registries, startChain } from '../../test/fixtures/chain.ts'
import { startIndexer } from '../supervisor/index.ts'
import { violationsOf } from './conformance.ts'

export interface IndexedChain {
  chain: Chain
  registries: Registries
  /** Origin of the API. */
  url: string
  /** One GET; an answer of 200 is compared with the OpenAPI document. */
  get: (path: string, headers?: Record<string, string>) => Promise<Answer>
  /** All items of a list, read in pages of two. */
  all: (path: string) => Promise<Item[]>
  /** The data of a GraphQL query. */
  query: (query: string) => Promise<Item>
  /** Resolves when the API has indexed the chain's newest block. */
  caughtUp: () => Promise<void>
  close: () => Promise<void>
}

// oxlint-disable-next-line typescript/no-explicit-any -- an answer is compared with what is expected, not trusted to have a type
export type Item = any
export type Answer = { status: number; headers: Headers; body: Item }

/** A chain with the registries on it and an indexer that follows them. */
export async function startIndexedChain(prepare: (chain: Chain, registries: Registries) => Promise<void>): Promise<IndexedChain> {
  const dataDir = await mkdtemp(join(tmpdir(), 'dred-indexer-'))
  const chain = await startChain()
  const registries = await deploy(chain)
  await prepare(chain, registries)
  const indexer = await startIndexer({ rpcUrl: chain.rpcUrl, chainId: registries.chainId, deployment: registries, dataDir, port: 0 })

  async function get(path: string, headers: Record<string, string> = {}): Promise<Answer> {
    const response = await fetch(`${indexer.url}${path}`, { headers })
    const text = await response.text()
    const body: Item = text === '' ? undefined : JSON.parse(text)
    if (response.status === 200 && path.startsWith('/v1/')) expect(violationsOf(path, body)).toEqual([])
    return { status: response.status, headers: response.headers, body }
  }

  async function all(path: string): Promise<Item[]> {
    const items: Item[] = []
    for (let cursor: string | null = ''; cursor !== null; ) {
      const { body }: Answer = await get(`${path}${path.includes('?') ? '&' : '?'}limit=2${cursor === '' ? '' : `&cursor=${cursor}`}`)
      items.push(...body.items)
      cursor = body.next
    }
    return items
  }

  async function query(text: string): Promise<Item> {
    const body = JSON.stringify({ query: text })
    const response = await fetch(`${indexer.url}/graphql`, { method: 'POST', headers: { 'content-type': 'application/json' }, body })
    const answer = (await response.json()) as { data?: Item; errors?: unknown }
    expect(answer.errors).toBeUndefined()
    return answer.data
  }

  async function caughtUp(): Promise<void> {
    const { hash } = await chain.clock.getBlock()
    await expect.poll(async () => (await get('/v1/ready')).body.block?.hash, { timeout: 15_000 }).toBe(hash)
  }

  async function close(): Promise<void> {
    await indexer.stop()
    await chain.close()
    await rm(dataDir, { recursive: true, force: true })
  }

  return { chain, registries, url: indexer.url, get, all, query, caughtUp, close }
}
