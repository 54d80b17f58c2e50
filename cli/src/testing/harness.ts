import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { stringify } from 'smol-toml'
import { endWithProcess } from '../../../node/src/testing/end-with-process.ts'
import { startChild } from '../dev/child.ts'
import { deployContracts, type LocalDeployment, plannedDeployment } from '../dev/deploy.ts'
import { chainSettings } from '../dev/files.ts'
import { type DevKeys, loadDevKeys } from '../dev/keys.ts'
import type { Deployed } from '../services/chain.ts'

const packageRoot = fileURLToPath(new URL('../..', import.meta.url))

/** The built program: tests run it as scripts do. */
const bin = join(packageRoot, 'bin', 'run.js')
export const chainModule = join(packageRoot, 'dist', 'dev', 'chain-process.js')

export interface Outcome {
  code: number | null
  stdout: string
  stderr: string
}

/** A folder with a chain, the contracts and a `dred.toml` that names them. */
export interface Harness {
  directory: string
  rpcUrl: string
  keys: DevKeys
  deployment: LocalDeployment
  deployed: Deployed
  /** Runs `dred` there without a terminal and without input. */
  dred: (...args: string[]) => Promise<Outcome>
  close(): Promise<void>
}

export async function startHarness(operators: number): Promise<Harness> {
  const directory = await mkdtemp(join(tmpdir(), 'dred-cli-'))
  const options = { logFile: join(directory, 'chain.log'), cwd: directory, signal: new AbortController().signal }
  const chain = await startChild({ ...options, name: 'chain', module: chainModule, args: ['0'] })
  const { rpcUrl, chainId } = chain.ready as { rpcUrl: string; chainId: number }
  const keys = await loadDevKeys(join(directory, 'keys'), operators)
  const deployment = plannedDeployment(keys.deployer.address, chainId)
  const deployed = await deployContracts(rpcUrl, deployment, keys)
  const { owner, password, attester } = keys.files
  const config = { wallet: owner, passwordFile: password, attester: { keyFile: attester }, chain: chainSettings(deployment, rpcUrl) }
  await writeFile(join(directory, 'dred.toml'), stringify(config))
  return {
    directory,
    rpcUrl,
    keys,
    deployment,
    deployed,
    dred: (...args) => outcomeOf(spawnDred(directory, args)),
    close: async () => {
      await killSpawned()
      await chain.stop(2_000)
      await rm(directory, { recursive: true, force: true })
    },
  }
}

const spawned = new Set<ChildProcess>()

/** Starts `dred`; a test that fails leaves it to {@link killSpawned}. */
export function spawnDred(directory: string, args: string[]) {
  const env = { ...process.env, XDG_CONFIG_HOME: join(directory, 'config'), HOME: directory }
  const child = spawn(process.execPath, [bin, ...args], { cwd: directory, env, stdio: ['ignore', 'pipe', 'pipe'] })
  endWithProcess(child)
  spawned.add(child)
  child.once('exit', () => spawned.delete(child))
  return child
}

/** Kills what {@link spawnDred} has started and still runs; processes that it started end by themselves then. */
export async function killSpawned(): Promise<void> {
  const exits = Array.from(spawned, async (child) => {
    const exited = once(child, 'exit')
    child.kill('SIGKILL')
    await exited
  })
  await Promise.all(exits)
}

export function outcomeOf(child: ReturnType<typeof spawnDred>): Promise<Outcome> {
  const output = { stdout: '', stderr: '' }
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output.stdout += text
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    output.stderr += text
  })
  return new Promise((resolve) => child.once('close', (code) => resolve({ code, ...output })))
}
