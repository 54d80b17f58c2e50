import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { RunningIndexer } from '@dred/indexer'
import { CliError } from '../errors.ts'
import { listActiveServers } from '../services/discovery.ts'
import { runSteps } from '../steps.ts'
import { type Child, startChild } from './child.ts'
import { attestDevServers, openDevRound } from './attest.ts'
import { createDevNeighborhood, deployContracts, plannedDeployment, registerDevServer } from './deploy.ts'
import type { Example, Page } from './example.ts'
import { writeConfigurations } from './files.ts'
import { loadDevKeys } from './keys.ts'
import type { NetworkRecord } from './lock.ts'
import { type DevPaths, serverConfigPath } from './paths.ts'
import { type Relay, startRelay } from './relay.ts'
import { choosePorts } from './state.ts'

const bin = fileURLToPath(new URL('../../bin/run.js', import.meta.url))
const chainModule = fileURLToPath(new URL('./chain-process.js', import.meta.url))

/** How long each process may take to end by itself, within the five seconds that a stop may take. */
const GRACE_MS = 3_000
const CHAIN_GRACE_MS = 1_000
const DISCOVERY_TIMEOUT_MS = 60_000

export interface NetworkOptions {
  paths: DevPaths
  cwd: string
  servers: number
  portBase: number | undefined
  /** Whether a relay server that ends by itself is started again. */
  restart: boolean
  example: Example | undefined
  signal: AbortSignal
  /** Told when a part changed after the start. */
  changed: (what: string, record: NetworkRecord) => void
}

/** A whole Dred network on this machine: chain, discovery, registered servers and, with an example, its page. */
export class DevNetwork {
  /** Rejects when a part without which nothing works has ended. */
  readonly failed: Promise<never>
  #fail: (error: unknown) => void = () => undefined
  readonly #options: NetworkOptions
  #chain: Child | undefined
  #indexer: RunningIndexer | undefined
  #page: Page | undefined
  readonly #relays = new Map<number, Relay>()
  #record: NetworkRecord | undefined
  #closing = false

  private constructor(options: NetworkOptions) {
    this.#options = options
    this.failed = new Promise((_, reject) => {
      this.#fail = reject
    })
    this.failed.catch(() => undefined)
  }

  /**
   * Starts everything, what can at the same time, with progress on stderr. What was started is stopped when a part fails.
   * @throws CliError, or what the signal was aborted with
   */
  static async start(options: NetworkOptions): Promise<DevNetwork> {
    const network = new DevNetwork(options)
    try {
      await network.#start()
    } catch (error) {
      await network.close()
      throw options.signal.aborted ? options.signal.reason : error
    }
    return network
  }

  get record(): NetworkRecord {
    if (!this.#record) throw new Error('The network is not ready yet')
    const servers = this.#record.servers.map((server) => ({ ...server, pid: this.#relays.get(server.id)?.pid() ?? null }))
    return { ...this.#record, servers }
  }

  /** Stops everything and resolves when every process is gone and every port free. */
  async close(): Promise<void> {
    this.#closing = true
    const relays = [...this.#relays.values()].map((relay) => relay.stop(GRACE_MS))
    await Promise.allSettled([this.#page?.close(), this.#indexer?.stop(), ...relays])
    await this.#chain?.stop(CHAIN_GRACE_MS)
  }

  async #start(): Promise<void> {
    const { paths, servers, portBase, example } = this.#options
    await rm(paths.logs, { recursive: true, force: true })
    await Promise.all([paths.logs, paths.stores, paths.indexer].map((path) => mkdir(path, { recursive: true })))

    const ports = await choosePorts(paths.state, { servers, base: portBase })
    const keys = loadDevKeys(paths.keys, servers)
    const chain = this.#startChain(ports.chain)
    const plan = Promise.all([keys, chain]).then(([{ deployer }, { chainId }]) => plannedDeployment(deployer.address, chainId))
    const contracts = Promise.all([plan, chain, keys]).then(([deployment, { rpcUrl }, known]) => deployContracts(rpcUrl, deployment, known))
    const indexer = Promise.all([plan, contracts]).then(([deployment, { rpcUrl }]) =>
      this.#startIndexer({ rpcUrl, deployment, port: ports.discovery }),
    )
    const neighborhood = Promise.all([contracts, plan, keys]).then(async ([deployed, deployment, known]) => {
      const id = await createDevNeighborhood(deployed, known, deployment.stakeToken)
      await writeConfigurations({ paths, ports, keys: known, deployment, rpcUrl: deployed.rpcUrl, neighborhood: id })
      return id
    })
    const registered = Promise.all([contracts, plan, keys, neighborhood]).then(async ([deployed, deployment, known, id]) => {
      const ids: number[] = []
      // One after the other: the order gives the ids.
      for (const [index, operator] of known.operators.entries()) {
        const endpoint = `http://127.0.0.1:${ports.servers[index]?.port}`
        ids.push(await registerDevServer(deployed, operator, { neighborhood: id, endpoint, stakeToken: deployment.stakeToken }))
      }
      return ids
    })
    const relays = registered.then((ids) => Promise.all(ids.map((id, index) => this.#startRelay(id, index + 1))))
    const round = Promise.all([contracts, keys, neighborhood]).then(([deployed, { owner }, id]) => openDevRound(deployed, owner, id))
    // Attesters examine what runs.
    const attested = Promise.all([contracts, keys, neighborhood, registered, relays, round]).then(([deployed, known, id, servers]) =>
      attestDevServers(deployed, known, { neighborhood: id, servers }),
    )
    const discovered = Promise.all([indexer, neighborhood, registered, attested]).then(([{ url }, id, ids]) =>
      this.#waitForDiscovery(url, { id, ids }),
    )
    const page = Promise.all([indexer, neighborhood]).then(([{ url }, id]) => this.#startPage(example, { url, id, port: ports.page }))
    const all = Promise.all([chain, indexer, neighborhood, relays, discovered, page])
    all.catch(() => undefined)
    await runSteps(
      [
        { title: 'chain', run: async () => (await chain).rpcUrl },
        { title: 'registries and token', run: async () => `ServerRegistry ${(await contracts).serverRegistry}` },
        { title: 'neighborhood', run: () => neighborhood },
        { title: `${servers} operators registered and staked`, run: async () => `servers ${(await registered).join(', ')}` },
        { title: `${servers} relay servers`, run: async () => (await relays).map(({ endpoint }) => endpoint).join(' ') },
        { title: 'servers attested', run: () => attested },
        { title: 'discovery', run: async () => discovered.then(() => indexer).then(({ url }) => url) },
        ...(example ? [{ title: 'page', run: async () => (await page) ?? undefined }] : []),
      ],
      { concurrent: true },
    )
    const [{ rpcUrl, chainId }, { url }, id, entries, , pageUrl] = await all
    this.#record = { chainId, rpcUrl, discovery: url, page: pageUrl, neighborhood: id, servers: entries }
  }

  async #startChain(port: number): Promise<{ rpcUrl: string; chainId: number }> {
    const { paths, cwd, signal } = this.#options
    const logFile = join(paths.logs, 'chain.log')
    this.#chain = await startChild({ name: 'chain', module: chainModule, args: [String(port)], logFile, cwd, signal })
    this.#watch('chain', this.#chain.exited, logFile)
    return this.#chain.ready as { rpcUrl: string; chainId: number }
  }

  async #startIndexer(options: {
    rpcUrl: string
    deployment: ReturnType<typeof plannedDeployment>
    port: number
  }): Promise<RunningIndexer> {
    const { paths, signal } = this.#options
    const { createWriteStream } = await import('node:fs')
    const { startIndexer } = await import('@dred/indexer')
    const logFile = join(paths.logs, 'discovery.log')
    const log = createWriteStream(logFile, { mode: 0o600 })
    const { rpcUrl, deployment, port } = options
    this.#indexer = await startIndexer({
      rpcUrl,
      chainId: deployment.chainId,
      deployment,
      dataDir: paths.indexer,
      port,
      logger: (line) => log.write(`${JSON.stringify(line)}\n`),
      signal,
    })
    const exited = this.#indexer.exited.then(({ code, signal: killed }) => killed ?? `exit code ${code}`)
    this.#watch('discovery API', exited, logFile)
    return this.#indexer
  }

  async #startRelay(id: number, index: number): Promise<NetworkRecord['servers'][number]> {
    const { paths, cwd, signal, restart, changed } = this.#options
    const relay = await startRelay({
      name: `server ${id}`,
      module: bin,
      args: ['serve', '--config', serverConfigPath(paths, index), '--supervised', '--json'],
      logFile: join(paths.logs, `server-${index}.log`),
      cwd,
      signal,
      restart,
      changed: (what) => {
        if (this.#record) changed(what, this.record)
      },
    })
    this.#relays.set(id, relay)
    const { url, adminUrl } = relay.ready as { url: string; adminUrl: string }
    return { id, endpoint: url, adminUrl, pid: relay.pid() }
  }

  /** Discovery shows every server: from here on clients find the network. */
  async #waitForDiscovery(url: string, { id, ids }: { id: string; ids: number[] }): Promise<void> {
    const deadline = Date.now() + DISCOVERY_TIMEOUT_MS
    while (Date.now() < deadline) {
      const active = (await listActiveServers([url], Number(id))).map((server) => server.id)
      if (ids.every((server) => active.includes(server))) return
      await sleep(50, undefined, { signal: this.#options.signal })
    }
    throw new CliError(
      'failure',
      'not_indexed',
      `Discovery does not show the servers: see ${join(this.#options.paths.logs, 'discovery.log')}.`,
    )
  }

  async #startPage(example: Example | undefined, options: { url: string; id: string; port: number }): Promise<string | null> {
    if (!example) return null
    const page = await example.startPage({ neighborhood: options.id, discovery: [options.url], port: options.port })
    this.#page = page
    return page.url
  }

  #watch(name: string, exited: Promise<string>, logFile: string): void {
    void exited.then((how) => {
      if (!this.#closing) this.#fail(new CliError('failure', 'part_ended', `The ${name} ended unexpectedly (${how}): see ${logFile}.`))
    })
  }
}
