import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { EnvironmentError, parseEnvironment } from './environment.ts'

const valid = {
  DRED_RPC_URL: 'ws://127.0.0.1:8545',
  DRED_CHAIN_ID: '31337',
  DRED_NEIGHBORHOOD_REGISTRY: '0x5FbDB2315678afecb367f032d93F642f64180aa3',
  DRED_SERVER_REGISTRY: '0xe7f1725e7734ce288f8367e1bb143e90bb3f0512',
  DRED_COMPLIANCE_REGISTRY: '0xCafac3dD18aC6c6e92c921884f9E4176737C052c',
  DRED_START_BLOCK: '0',
  DRED_INDEXER_DIR: '/var/lib/dred',
}

function problemsOf(variables: Record<string, string | undefined>): readonly string[] {
  try {
    parseEnvironment(variables)
  } catch (error) {
    if (error instanceof EnvironmentError) return error.problems
    throw error
  }
  return []
}

test('reads a complete environment', () => {
  expect(parseEnvironment(valid)).toEqual({
    rpcUrl: 'ws://127.0.0.1:8545',
    chainId: 31_337,
    neighborhoodRegistry: valid.DRED_NEIGHBORHOOD_REGISTRY,
    serverRegistry: valid.DRED_SERVER_REGISTRY,
    complianceRegistry: valid.DRED_COMPLIANCE_REGISTRY,
    startBlock: 0,
    database: { kind: 'pglite', directory: '/var/lib/dred' },
  })
  const url = 'postgresql://localhost/dred'
  expect(parseEnvironment({ ...valid, DATABASE_URL: url }).database).toEqual({ kind: 'postgres', url })
  expect(parseEnvironment({ ...valid, DATABASE_URL: '' }).database).toMatchObject({ kind: 'pglite' })
})

describe('DRED_DEPLOYMENT', () => {
  const directory = mkdtempSync(join(tmpdir(), 'dred-environment-'))
  afterAll(() => rmSync(directory, { recursive: true }))
  const DRED_DEPLOYMENT = join(directory, 'deployment.json')
  const { DRED_RPC_URL, DRED_INDEXER_DIR } = valid
  const registries = {
    chainId: 11_155_111,
    neighborhoodRegistry: valid.DRED_NEIGHBORHOOD_REGISTRY,
    serverRegistry: valid.DRED_SERVER_REGISTRY,
    complianceRegistry: valid.DRED_COMPLIANCE_REGISTRY,
    startBlock: 42,
  }
  const write = (deployment: object) => writeFileSync(DRED_DEPLOYMENT, JSON.stringify(deployment))

  test('stands in place of the registries', () => {
    write({ ...registries, name: 'Sepolia', discovery: ['https://discovery.example'] })
    const database = { kind: 'pglite', directory: DRED_INDEXER_DIR }
    expect(parseEnvironment({ DRED_RPC_URL, DRED_INDEXER_DIR, DRED_DEPLOYMENT })).toEqual({ rpcUrl: DRED_RPC_URL, ...registries, database })
  })

  test('is refused when it is no deployment, beside the other problems', () => {
    write({ ...registries, chainId: undefined, startBlock: -1 })
    expect(problemsOf({ DRED_INDEXER_DIR, DRED_DEPLOYMENT })).toEqual([
      'DRED_RPC_URL is missing: an http, https, ws or wss URL',
      'DRED_DEPLOYMENT names a file that is not a deployment: chainId is missing: a positive integer',
      'DRED_DEPLOYMENT names a file that is not a deployment: startBlock is not a block number',
    ])
    expect(problemsOf({ DRED_RPC_URL, DRED_INDEXER_DIR, DRED_DEPLOYMENT: join(directory, 'none.json') })).toEqual([
      'DRED_DEPLOYMENT names a file that is not a deployment: it cannot be read as JSON',
    ])
  })

  test('is refused beside what it stands for', () => {
    write(registries)
    expect(problemsOf({ DRED_RPC_URL, DRED_INDEXER_DIR, DRED_DEPLOYMENT, DRED_CHAIN_ID: '11155111', DRED_START_BLOCK: '' })).toEqual([
      'DRED_CHAIN_ID is given beside DRED_DEPLOYMENT: leave one of them out',
    ])
  })
})

test('reports every problem together', () => {
  expect(problemsOf({}).map((problem) => problem.split(' ')[0])).toEqual([
    'DRED_RPC_URL',
    'DRED_CHAIN_ID',
    'DRED_NEIGHBORHOOD_REGISTRY',
    'DRED_SERVER_REGISTRY',
    'DRED_COMPLIANCE_REGISTRY',
    'DRED_START_BLOCK',
    'DRED_INDEXER_DIR',
  ])
})

test.each([
  ['DRED_RPC_URL', 'ftp://127.0.0.1'],
  ['DRED_RPC_URL', '127.0.0.1:8545'],
  ['DRED_CHAIN_ID', '0'],
  ['DRED_CHAIN_ID', '0x1'],
  ['DRED_CHAIN_ID', '9007199254740993'],
  ['DRED_NEIGHBORHOOD_REGISTRY', '0x5FbDB2315678afecb367f032d93F642f64180aa'],
  ['DRED_SERVER_REGISTRY', 'dred.eth'],
  ['DRED_COMPLIANCE_REGISTRY', '0x'],
  ['DRED_START_BLOCK', '-1'],
  ['DRED_START_BLOCK', 'latest'],
  ['DATABASE_URL', 'mysql://localhost/dred'],
])('refuses %s=%s without repeating the value', (name, value) => {
  const problems = problemsOf({ ...valid, [name]: value })
  expect(problems).toHaveLength(1)
  expect(problems[0]).toContain(name)
  expect(problems[0]).not.toContain(value)
})
