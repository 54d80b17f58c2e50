import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { hashSources, type Identity, schemaName } from './identity.ts'

const identity: Identity = {
  deployment: {
    chainId: 10,
    startBlock: 3,
    neighborhoodRegistry: '0x5FbDB2315678afecb367f032d93F642f64180aa3',
    serverRegistry: '0xe7f1725E7734CE288F8367e1Bb143E90bb3F0512',
    complianceRegistry: '0xCafac3dD18aC6c6e92c921884f9E4176737C052c',
  },
  startBlockHash: '0xaa',
  sources: 'hash',
}

test('everything that decides what is in the database is in the name of its schema', () => {
  const { deployment } = identity
  const variants: Identity[] = [
    identity,
    { ...identity, startBlockHash: '0xab' },
    { ...identity, sources: 'other' },
    { ...identity, deployment: { ...deployment, chainId: 11 } },
    { ...identity, deployment: { ...deployment, startBlock: 4 } },
    { ...identity, deployment: { ...deployment, serverRegistry: deployment.neighborhoodRegistry } },
    { ...identity, deployment: { ...deployment, neighborhoodRegistry: deployment.serverRegistry } },
    { ...identity, deployment: { ...deployment, complianceRegistry: deployment.serverRegistry } },
  ]
  const names = variants.map(schemaName)
  expect(new Set(names).size).toBe(variants.length)
  expect(names.every((name) => /^dred_[0-9a-f]{16}$/.test(name))).toBe(true)
  const lower = deployment.serverRegistry.toLowerCase() as typeof deployment.serverRegistry
  expect(schemaName({ ...identity, deployment: { ...deployment, serverRegistry: lower } })).toBe(names[0])
})

test('a change of the indexing code changes the hash of the sources', async () => {
  const root = join(dirname(fileURLToPath(import.meta.url)), '..')
  const copy = await mkdtemp(join(tmpdir(), 'dred-sources-'))
  for (const name of ['ponder.schema.ts', 'ponder.config.ts', 'src']) await cp(join(root, name), join(copy, name), { recursive: true })
  const before = await hashSources(root)
  expect(await hashSources(copy)).toBe(before)
  await writeFile(join(copy, 'src', 'handlers', 'servers.ts'), '')
  expect(await hashSources(copy)).not.toBe(before)
  await rm(copy, { recursive: true, force: true })
})
