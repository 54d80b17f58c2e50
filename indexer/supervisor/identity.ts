import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Deployment } from '@dred/contracts'
import type { Hex } from 'viem'

/** Files whose change makes Ponder refuse a database that an earlier version filled. */
const INDEXING_SOURCES = ['ponder.schema.ts', 'ponder.config.ts', 'src/handlers']

/** What a database was filled from: data of one identity is never continued under another. */
export type Identity = { deployment: Deployment; startBlockHash: Hex; sources: string }

/** SHA-256 of the code that decides what is in the database. */
export async function hashSources(root: string): Promise<string> {
  const hash = createHash('sha256')
  for (const name of INDEXING_SOURCES) {
    const path = join(root, name)
    const files = name.endsWith('.ts') ? [path] : (await readdir(path)).sort().map((file) => join(path, file))
    for (const file of files) hash.update(await readFile(file))
  }
  return hash.digest('hex')
}

/** Database schema of this identity, so that on PostgreSQL another chain, deployment or version gets tables of its own. */
export function schemaName({ deployment, startBlockHash, sources }: Identity): string {
  const { chainId, startBlock, neighborhoodRegistry, serverRegistry, complianceRegistry } = deployment
  const addresses = [neighborhoodRegistry, serverRegistry, complianceRegistry].map((address) => address.toLowerCase())
  const parts = [chainId, startBlock, ...addresses, startBlockHash, sources]
  return `dred_${createHash('sha256').update(parts.join('\n')).digest('hex').slice(0, 16)}`
}
