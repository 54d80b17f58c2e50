import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createHardhatRuntimeEnvironment } from 'hardhat/hre'
import { type Address, createTestClient, getContractAddress, type Hex, http, publicActions } from 'viem'
import { hardhat } from 'viem/chains'
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { type Deployment, parseDeployment } from '../abi/deployments.ts'
import { complianceRegistryAbi, neighborhoodRegistryAbi, serverRegistryAbi } from '../abi/index.ts'

// Ignition treats the usual id of local chains in its own way.
const CHAIN_ID = 31_338
/** The first deployment compiles the contracts if nobody has. */
const TIMEOUT_MS = 300_000
const DEPLOYER: Address = '0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266'
const root = join(import.meta.dirname, '..', '..')

async function startChain() {
  const accounts = { mnemonic: 'test test test test test test test test test test test junk', count: 2 }
  const network = { type: 'edr-simulated', chainType: 'l1', chainId: CHAIN_ID, hardfork: 'osaka', accounts } as const
  const hre = await createHardhatRuntimeEnvironment({ networks: { chain: network } }, {}, import.meta.dirname)
  const server = await hre.network.createServer('chain', '127.0.0.1', 0)
  const { port } = await server.listen()
  const url = `http://127.0.0.1:${port}`
  const client = createTestClient({ chain: { ...hardhat, id: CHAIN_ID }, mode: 'hardhat', transport: http(url) }).extend(publicActions)
  return { url, client, close: () => server.close() }
}

/** Runs a program of this repository to its end. */
function run(script: string, args: string[], env: Record<string, string> = {}) {
  const child = spawn(process.execPath, [join(root, script), ...args], { cwd: root, env: { ...process.env, ...env } })
  const ended = new Promise<{ code: number | null; output: string }>((resolve, reject) => {
    let output = ''
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (data: Buffer) => (output += data.toString()))
    child.on('error', reject).on('close', (code) => resolve({ code, output }))
  })
  return { child, ended }
}

/** Waits for the end of a program that should do well; says what it printed when it does not. */
async function expectSuccess({ ended }: ReturnType<typeof run>): Promise<void> {
  const { code, output } = await ended
  expect(code, output).toBe(0)
}

let chain: Awaited<ReturnType<typeof startChain>>
let directory: string
beforeAll(async () => {
  chain = await startChain()
  directory = mkdtempSync(join(tmpdir(), 'dred-ignition-'))
})
afterAll(async () => {
  await chain.close()
  rmSync(directory, { recursive: true, force: true })
})

const deploy = (folder: string, ...args: string[]) =>
  run('contracts/ignition/test/deploy.ts', [chain.url, join(directory, folder), ...args])
const journalOf = (folder: string) => join(directory, folder, 'deployments', `chain-${CHAIN_ID}`)

async function fileOf(folder: string): Promise<string> {
  const out = join(directory, `${folder}.json`)
  await expectSuccess(run('scripts/deployment.mjs', [journalOf(folder), '--name', folder, '--out', out]))
  return out
}

const read = (file: string): Deployment => parseDeployment(JSON.parse(readFileSync(file, 'utf8')))

function expectToKnowEachOther({ neighborhoodRegistry, serverRegistry, complianceRegistry }: Deployment) {
  const servers = { address: serverRegistry, abi: serverRegistryAbi } as const
  const compliance = { address: complianceRegistry, abi: complianceRegistryAbi } as const
  return Promise.all([
    expect(chain.client.readContract({ ...servers, functionName: 'neighborhoodRegistry' })).resolves.toBe(neighborhoodRegistry),
    expect(chain.client.readContract({ ...servers, functionName: 'complianceRegistry' })).resolves.toBe(complianceRegistry),
    expect(chain.client.readContract({ ...compliance, functionName: 'serverRegistry' })).resolves.toBe(serverRegistry),
    expect(chain.client.readContract({ ...compliance, functionName: 'neighborhoodRegistry' })).resolves.toBe(neighborhoodRegistry),
  ])
}

const guardianOf = ({ neighborhoodRegistry: address }: Deployment) =>
  chain.client.readContract({ address, abi: neighborhoodRegistryAbi, functionName: 'guardian' })

describe('the registries of a public chain', { timeout: TIMEOUT_MS }, () => {
  test('are not deployed without a guardian', async () => {
    const before = await chain.client.getTransactionCount({ address: DEPLOYER })
    const { code, output } = await deploy('unguarded', 'registries', join(root, 'contracts/ignition/parameters/mainnet.json5')).ended
    expect(output).toContain("Module parameter 'guardian' requires a value")
    expect(code).toBe(1)
    expect(await chain.client.getTransactionCount({ address: DEPLOYER })).toBe(before)
  })

  test('are deployed with the guardian of the parameters file, and not twice', async () => {
    const guardian = '0x00000000000000000000000000000000000000AA'
    const parameters = join(directory, 'parameters.json5')
    writeFileSync(parameters, `{ Registries: { guardian: '${guardian}' } }`)
    await expectSuccess(deploy('public', 'registries', parameters))
    const deployment = read(await fileOf('public'))
    expect(deployment).toMatchObject({ chainId: CHAIN_ID, name: 'public' })
    expect(deployment.stakeToken).toBeUndefined()
    await expectToKnowEachOther(deployment)
    expect(await guardianOf(deployment)).toBe(guardian)

    const before = await chain.client.getTransactionCount({ address: DEPLOYER })
    await expectSuccess(deploy('public', 'registries', parameters))
    expect(await chain.client.getTransactionCount({ address: DEPLOYER })).toBe(before)
  })

  test('go on where an interruption stopped them', async () => {
    const nonce = BigInt(await chain.client.getTransactionCount({ address: DEPLOYER }))
    const parameters = join(directory, 'interrupted.json5')
    writeFileSync(parameters, `{ Registries: { guardian: '${DEPLOYER}' } }`)
    await chain.client.setAutomine(false)
    const { child, ended } = deploy('interrupted', 'registries', parameters)
    // The second transaction needs the first one's receipt, so nothing else is on its way.
    const journal = join(journalOf('interrupted'), 'journal.jsonl')
    const sent = () => existsSync(journal) && readFileSync(journal, 'utf8').includes('"TRANSACTION_SEND"')
    const early = ended.then(({ output }) => Promise.reject(new Error(`It ended by itself: ${output}`)))
    await Promise.race([vi.waitUntil(sent, { interval: 20, timeout: TIMEOUT_MS / 2 }), early])
    // As a power cut would end it.
    child.kill('SIGKILL')
    await early.catch(() => undefined)
    await chain.client.mine({ blocks: 1 })
    const block = Number(await chain.client.getBlockNumber())
    await chain.client.setAutomine(true)

    await expectSuccess(deploy('interrupted', 'registries', parameters))
    const deployment = read(await fileOf('interrupted'))
    // What was sent before the interruption is used: two transactions in all.
    const address = (offset: bigint) => getContractAddress({ from: DEPLOYER, nonce: nonce + offset })
    expect([deployment.neighborhoodRegistry, deployment.serverRegistry]).toEqual([0n, 1n].map(address))
    expect(await chain.client.getTransactionCount({ address: DEPLOYER })).toBe(Number(nonce) + 2)
    expect(deployment.startBlock).toBe(block)
    await expectToKnowEachOther(deployment)
    expect(await guardianOf(deployment)).toBe(DEPLOYER)
  })
})

describe('scripts/verify-deployment.mjs', { timeout: TIMEOUT_MS }, () => {
  let file: string
  beforeAll(async () => {
    await expectSuccess(deploy('verified', 'local'))
    file = await fileOf('verified')
  }, TIMEOUT_MS)

  let snapshot: Hex
  beforeEach(async () => {
    snapshot = await chain.client.snapshot()
    return () => chain.client.revert({ id: snapshot })
  })

  const verify = (path = file) => run('scripts/verify-deployment.mjs', [path], { DRED_RPC_URL: chain.url }).ended

  function changed(change: object): string {
    const path = join(directory, 'changed.json')
    writeFileSync(path, JSON.stringify({ ...JSON.parse(readFileSync(file, 'utf8')), ...change }))
    return path
  }

  /** Replaces a part of a contract's code. */
  async function tamper(address: Address, [from, to]: [string, string]) {
    const code = await chain.client.getCode({ address })
    const bytecode = code?.replace(from, to)
    expect(bytecode).not.toBe(code)
    await chain.client.request({ method: 'hardhat_setCode', params: [address, bytecode as Hex] })
  }

  test('finds the contracts as they are in this repository', async () => {
    expect(read(file).stakeToken).toBeDefined()
    expect(await verify()).toEqual({ code: 0, output: expect.stringContaining(`The guardian is ${DEPLOYER}.`) })
  })

  test.each(['neighborhoodRegistry', 'serverRegistry', 'complianceRegistry'] as const)('finds one changed byte of %s', async (name) => {
    await tamper(read(file)[name], ['5f80fd', '5f80fe'])
    expect(await verify()).toEqual({ code: 1, output: expect.stringContaining('there is other code at') })
  })

  test('finds another address in a single place', async () => {
    const { serverRegistry, complianceRegistry } = read(file)
    const from = complianceRegistry.slice(2).toLowerCase()
    await tamper(serverRegistry, [from, DEPLOYER.slice(2).toLowerCase()])
    expect(await verify()).toEqual({ code: 1, output: expect.stringContaining('ServerRegistry: an immutable is') })
  })

  test('finds a contract that is not there', async () => {
    const path = changed({ serverRegistry: '0x00000000000000000000000000000000000000Bb' })
    expect(await verify(path)).toEqual({ code: 1, output: expect.stringContaining('there is no contract at') })
  })

  test('says when the chain cannot be asked', async () => {
    const { ended } = run('scripts/verify-deployment.mjs', [file], { DRED_RPC_URL: 'http://127.0.0.1:1' })
    expect(await ended).toEqual({ code: 2, output: expect.stringMatching(/^Nothing can be said of the deployment: .*\n$/) })
  })

  test('finds another chain', async () => {
    expect(await verify(changed({ chainId: 1 }))).toEqual({ code: 1, output: expect.stringContaining('the chain is 31338, not 1') })
  })

  test('finds that another transaction created a contract', async () => {
    const { transactions } = JSON.parse(readFileSync(file, 'utf8'))
    const path = changed({ transactions: { ...transactions, serverRegistry: transactions.neighborhoodRegistry } })
    expect(await verify(path)).toEqual({ code: 1, output: expect.stringContaining('ServerRegistry: it was not created by the committed') })
  })
})
