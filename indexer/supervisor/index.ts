import { mkdir } from 'node:fs/promises'
import { createServer } from 'node:net'
import { dirname, join, resolve } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { Deployment } from '@dred/contracts'
import { LOCAL_CHAIN_ID } from '../environment.ts'
import { createChainReader } from '../rpc.ts'
import { type ChildExit, type LogLine, type PonderChild, startChild } from './child.ts'
import { type DatabaseDirectory, openLastingDirectory, openTemporaryDirectory } from './directory.ts'
import { IndexerError } from './errors.ts'
import { hashSources, schemaName } from './identity.ts'

export type { ChildExit, LogLine } from './child.ts'
export { IndexerError, type IndexerErrorCode } from './errors.ts'

export type IndexerOptions = {
  /** JSON-RPC endpoint, `http(s)` or `ws(s)`. */
  rpcUrl: string
  chainId: number
  deployment: Deployment
  /** Folder of the indexer's own: the embedded database and caches. What another chain left in it is deleted. */
  dataDir: string
  /** 0 takes a free one. When the port is busy Ponder takes the next free one: see `url`. */
  port: number
  /** PostgreSQL; without it the database is embedded (PGlite). */
  databaseUrl?: string
  /** Takes every line of Ponder's log. */
  logger?: (line: LogLine) => void
  /** Ends a start that nobody waits for any more. */
  signal?: AbortSignal
  /** Milliseconds until a start has failed. Default: a minute for a local chain, none for others, whose backfill takes what it takes. */
  readyTimeoutMs?: number
}

export type RunningIndexer = {
  /** Origin of the discovery API, without a trailing slash. */
  url: string
  /** Resolves when Ponder ended, whether by `stop` or by itself. */
  exited: Promise<ChildExit>
  /** Ends Ponder and all it started; may be called again. */
  stop(): Promise<void>
}

const KILL_AFTER_MS = 3_000
const POLL_MS = 50

/**
 * Starts the discovery API on a loopback port.
 *
 * Resolves when the API answers that it is ready: the data is of the chain that `rpcUrl` serves and has reached the block that was
 * the newest one when the start began.
 *
 * @throws {IndexerError} `chain_unreachable`, `wrong_chain` or `not_deployed` before anything is started; `exited` with the last
 *   lines of the log when Ponder ended; `timeout`; the reason of `signal` when that aborted
 */
export async function startIndexer(options: IndexerOptions): Promise<RunningIndexer> {
  options.signal?.throwIfAborted()
  const { startBlockHash, tip } = await inspectChain(options)
  const root = dirname(fileURLToPath(import.meta.resolve('@dred/indexer/package.json')))
  const dataDir = resolve(options.dataDir)
  const local = options.chainId === LOCAL_CHAIN_ID
  const identity = schemaName({ deployment: options.deployment, startBlockHash, sources: await hashSources(root) })
  await mkdir(dataDir, { recursive: true })
  // A local chain is indexed in no time, so every run starts afresh: nothing of another chain, and no lock that a killed run left.
  const directory = local ? await openTemporaryDirectory(dataDir) : await openLastingDirectory(dataDir, identity)
  const schema = local ? `${identity}_${process.pid}_${Date.now().toString(36)}` : identity

  const child = startChild({
    command: process.execPath,
    args: ponderArguments({ root, schema, port: options.port || (await freePort()) }),
    cwd: dataDir,
    env: childEnvironment(options, directory),
    onLog: options.logger ?? (() => undefined),
    killAfterMs: KILL_AFTER_MS,
  })
  const stop = async () => {
    await child.stop()
    await directory.dispose()
  }
  try {
    return { url: await waitUntilReady(child, tip, options), exited: child.exited, stop }
  } catch (error) {
    await stop()
    throw error
  }
}

/** Asks the chain first: what is wrong with it is said at once and in one sentence, not after Ponder's minute of retries. */
async function inspectChain({ rpcUrl, chainId, deployment }: IndexerOptions) {
  const chain = createChainReader(rpcUrl)
  const answers = Promise.all([
    chain.chainId(),
    chain.blockHash(deployment.startBlock),
    chain.blockNumber(),
    chain.hasCode(deployment.neighborhoodRegistry),
    chain.hasCode(deployment.serverRegistry),
    chain.hasCode(deployment.complianceRegistry),
  ])
  const [actualId, startBlockHash, tip, ...deployed] = await answers.catch((cause: unknown) => {
    throw new IndexerError('chain_unreachable', 'The chain does not answer at its RPC URL', { cause })
  })
  await chain.close()
  if (actualId !== chainId || deployment.chainId !== chainId) {
    throw new IndexerError(
      'wrong_chain',
      `The RPC URL serves chain ${actualId}, the deployment is on ${deployment.chainId}, wanted is ${chainId}`,
    )
  }
  if (startBlockHash === null) {
    throw new IndexerError('not_deployed', `The chain has no block ${deployment.startBlock}, where the deployment starts`)
  }
  if (deployed.includes(false)) throw new IndexerError('not_deployed', 'The chain has no contract at the address of a registry')
  return { startBlockHash, tip }
}

function ponderArguments({ root, schema, port }: { root: string; schema: string; port: number }): string[] {
  const bin = join(dirname(fileURLToPath(import.meta.resolve('ponder'))), 'bin', 'ponder.js')
  const flags = { root, schema, port: String(port), hostname: '127.0.0.1', 'log-format': 'json', 'log-level': 'info' }
  return [bin, 'start', ...Object.entries(flags).flatMap(([name, value]) => [`--${name}`, value])]
}

/** Only what Ponder needs, plus the variables that make programs run at all: a PORT or DATABASE_URL of the caller's is not for it. */
function childEnvironment(options: IndexerOptions, directory: DatabaseDirectory): NodeJS.ProcessEnv {
  const {
    PORT: _port,
    DATABASE_URL: _url,
    DATABASE_PRIVATE_URL: _privateUrl,
    DATABASE_SCHEMA: _schema,
    DRED_DEPLOYMENT: _deployment,
    ...inherited
  } = process.env
  const { deployment, databaseUrl } = options
  return {
    ...inherited,
    PONDER_TELEMETRY_DISABLED: '1',
    DRED_INDEXER_SUPERVISED: '1',
    DRED_RPC_URL: options.rpcUrl,
    DRED_CHAIN_ID: String(options.chainId),
    DRED_NEIGHBORHOOD_REGISTRY: deployment.neighborhoodRegistry,
    DRED_SERVER_REGISTRY: deployment.serverRegistry,
    DRED_COMPLIANCE_REGISTRY: deployment.complianceRegistry,
    DRED_START_BLOCK: String(deployment.startBlock),
    DRED_INDEXER_DIR: directory.path,
    DRED_INDEXER_TEMPORARY: directory.temporary,
    DATABASE_URL: databaseUrl,
  }
}

/** Resolves with the origin once the API is ready and has reached block `tip`. */
async function waitUntilReady(child: PonderChild, tip: number, options: IndexerOptions): Promise<string> {
  const timeoutMs = options.readyTimeoutMs ?? (options.chainId === LOCAL_CHAIN_ID ? 60_000 : undefined)
  const ended = new AbortController()
  const timeout = timeoutMs === undefined ? undefined : AbortSignal.timeout(timeoutMs)
  const reasons = [ended.signal, options.signal, timeout]
  const signal = AbortSignal.any(reasons.filter((reason) => reason !== undefined))
  const aborted = new Promise<never>((_, reject) => signal.addEventListener('abort', () => reject(signal.reason), { once: true }))
  const exited = child.exited.then((exit) => {
    const error = exitError(exit)
    ended.abort(error)
    throw error
  })
  let last = 'the HTTP server has not started'
  try {
    const port = await Promise.race([child.port, aborted, exited])
    const url = `http://127.0.0.1:${port}`
    for (;;) {
      const answer = await Promise.race([askReady(url, signal), aborted, exited])
      if (answer.block !== undefined && answer.block >= tip) return url
      last = answer.detail
      await delay(POLL_MS, undefined, { signal })
    }
  } catch (error) {
    if (timeout?.aborted && signal.reason === timeout.reason) {
      throw new IndexerError('timeout', `The indexer was not ready after ${timeoutMs} ms: ${last}`, { cause: error })
    }
    throw signal.aborted ? signal.reason : error
  }
}

/** The block that the ready API has reached, or why it is not ready. */
async function askReady(url: string, signal: AbortSignal): Promise<{ block?: number; detail: string }> {
  const response = await fetch(`${url}/v1/ready`, { signal }).catch((error: unknown) => String(error))
  if (typeof response === 'string') return { detail: response }
  const body = (await response.json()) as { block?: { number: number }; detail?: string; title?: string }
  const block = response.ok ? body.block?.number : undefined
  return block === undefined
    ? { detail: body.detail ?? body.title ?? String(response.status) }
    : { block, detail: `it has reached block ${block}` }
}

function exitError({ code, signal, lastLines }: ChildExit): IndexerError {
  const how = signal === null ? `with code ${code}` : `by ${signal}`
  return new IndexerError('exited', [`The indexer ended ${how}. Its last words:`, ...lastLines].join('\n  '))
}

async function freePort(): Promise<number> {
  const probe = createServer()
  await new Promise<void>((done) => probe.listen(0, '127.0.0.1', done))
  const address = probe.address()
  await new Promise((done) => probe.close(done))
  if (address === null || typeof address === 'string') throw new TypeError('A TCP server has a port')
  return address.port
}
