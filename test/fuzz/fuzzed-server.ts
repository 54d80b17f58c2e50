import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { generateDeviceKey, type Signer, signGenesis, signMessage, type VerifiedGenesis, webCryptoSigner } from '@dred/protocol'
import type { ServerKey } from '../../node/src/chain/server-key.ts'
import { endWithProcess } from '../../node/src/testing/end-with-process.ts'
import { newServerKey } from '../../node/src/testing/server-key.ts'
import type { FuzzedServerOptions } from './server.ts'
import { Finding } from './target.ts'

const HEAP_MIB = 256
const ANSWER_MS = 10_000

/** A server in a process of its own, what there is on it, and what it has to keep. */
export class FuzzedServer {
  readonly url: string
  readonly rogueKey: ServerKey
  /** Signs hostile input. */
  readonly signer: Signer
  readonly channels: readonly VerifiedGenesis[]
  readonly #adminUrl: string
  readonly #honest: { signer: Signer; channel: string; acknowledged: Map<string, string> }
  readonly #state: ProcessState
  readonly #stop: () => Promise<void>

  private constructor(parts: Started & { signer: Signer; channels: VerifiedGenesis[]; honest: { signer: Signer; channel: string } }) {
    this.url = parts.url
    this.rogueKey = parts.rogueKey
    this.signer = parts.signer
    this.channels = parts.channels
    this.#adminUrl = parts.adminUrl
    this.#honest = { ...parts.honest, acknowledged: new Map() }
    this.#state = parts.state
    this.#stop = parts.stop
  }

  /** @param redis URL; SQLite in a file without it */
  static async start(redis?: string): Promise<FuzzedServer> {
    const started = await spawnServer(redis)
    const [signer, honest] = [await newSigner(), await newSigner()]
    const gate = { standard: 'erc20', contract: `0x${'11'.repeat(20)}`, min: '2', chainId: 31_337 } as const
    const channels = [
      await create(started.url, signer),
      await create(started.url, signer, { access: 'members' }),
      await create(started.url, signer, { access: 'token', gate }),
    ]
    const { id } = await create(started.url, honest)
    return new FuzzedServer({ ...started, signer, channels, honest: { signer: honest, channel: id } })
  }

  /** Resident memory in MiB. */
  residentMib(): number {
    const [, kib = '0'] = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${this.#state.pid}/status`, 'utf8')) ?? []
    return Math.round(Number(kib) / 1_024)
  }

  /** Resolves once it has answered a request that came after all before, or is gone. */
  async heard(): Promise<void> {
    await fetch(`${this.#adminUrl}/livez`, { signal: AbortSignal.timeout(ANSWER_MS) })
      .then((response) => response.arrayBuffer())
      .catch(() => undefined)
  }

  /** That it lives, has logged no fault, and serves somebody honest as ever. @throws Finding */
  async assertServing(): Promise<void> {
    this.#assertAlive()
    const { signer, channel, acknowledged } = this.#honest
    const text = `honest ${acknowledged.size}`
    const { id, signed } = await signMessage(signer, channel, { message: text, sentAt: Date.now() })
    const start = performance.now()
    const published = await this.#call(`/channel/${channel}`, { method: 'POST', body: signed })
    if (published.status !== 201) throw new Finding(`An honest message was answered ${published.status} ${JSON.stringify(published.json)}`)
    acknowledged.set(id, text)
    const live = await fetch(`${this.#adminUrl}/livez`, { signal: AbortSignal.timeout(ANSWER_MS) })
    if (live.status !== 200) throw new Finding(`/livez answered ${live.status}`)
    await live.arrayBuffer()
    const tookMs = performance.now() - start
    if (tookMs > ANSWER_MS) throw new Finding(`An honest publish took ${Math.round(tookMs)} ms`)
  }

  /** That every acknowledged honest message is there, once, in order. @throws Finding. @returns how many */
  async assertKept(): Promise<number> {
    this.#assertAlive()
    const { channel, acknowledged } = this.#honest
    const found: string[] = []
    let after = `1.${channel.slice(0, 12)}.`
    for (;;) {
      const { status, json } = await this.#call(`/channel/${channel}/messages?limit=500&after=${after}`)
      if (status !== 200) throw new Finding(`The history of the honest channel was answered ${status}`)
      found.push(...(json['items'] as { id: string }[]).map(({ id }) => id))
      if (json['next'] === null) break
      after = json['next'] as string
    }
    const wanted = [...acknowledged.keys()]
    if (found.length !== wanted.length || found.some((id, at) => id !== wanted[at])) {
      throw new Finding(`Of ${wanted.length} acknowledged messages ${found.length} are there, or not in order`)
    }
    return found.length
  }

  async close(): Promise<void> {
    await this.#stop()
    const { signal, code } = this.#state
    if (code !== 0) throw new Finding(`The server ended with ${signal ?? code}: ${this.#state.log.slice(-5).join('\n')}`)
  }

  #assertAlive(): void {
    const { exited, log, signal, code } = this.#state
    if (exited) throw new Finding(`The server ended with ${signal ?? code}: ${log.slice(-20).join('\n')}`)
    const [fault] = log
    if (fault !== undefined) throw new Finding(`The server logged ${fault.slice(0, 2_000)}`)
  }

  async #call(path: string, { method = 'GET', body }: { method?: string; body?: unknown } = {}) {
    const response = await fetch(this.url + path, {
      method,
      signal: AbortSignal.timeout(ANSWER_MS),
      ...(body === undefined ? {} : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
    }).catch((error: unknown) => {
      this.#assertAlive()
      throw new Finding(`${method} ${path} was not answered: ${String(error)}`)
    })
    return { status: response.status, json: (await response.json()) as Record<string, unknown> }
  }
}

interface ProcessState {
  pid: number
  /** What it wrote to its log, where only errors go. */
  log: string[]
  exited: boolean
  code: number | null
  signal: string | null
}

interface Started {
  url: string
  adminUrl: string
  rogueKey: ServerKey
  state: ProcessState
  stop: () => Promise<void>
}

async function spawnServer(redis: string | undefined): Promise<Started> {
  const folder = mkdtempSync(join(tmpdir(), 'dred-fuzz-'))
  const rogueKey = await newServerKey()
  const { keyX, keyY, keyId } = rogueKey
  const store = redis === undefined ? { path: join(folder, 'store.sqlite') } : { url: redis }
  const options: FuzzedServerOptions = { rogue: { id: 1, keyX, keyY, keyId }, store }
  const script = join(import.meta.dirname, 'server.ts')
  const child = spawn(process.execPath, [`--max-old-space-size=${HEAP_MIB}`, script, JSON.stringify(options)], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  endWithProcess(child)
  const state: ProcessState = { pid: child.pid ?? 0, log: [], exited: false, code: null, signal: null }
  createInterface(child.stderr).on('line', (line) => state.log.length < 100 && !/Warning|--trace-/.test(line) && state.log.push(line))
  const exited = once(child, 'exit').then(([code, signal]) => Object.assign(state, { exited: true, code, signal }))
  const first = await Promise.race([once(createInterface(child.stdout), 'line'), exited.then(() => undefined)])
  if (!Array.isArray(first)) throw new Error(`The server did not start: ${state.log.join('\n')}`)
  const { url, adminUrl } = JSON.parse(String(first[0])) as { url: string; adminUrl: string }
  const stop = async (): Promise<void> => {
    child.kill('SIGTERM')
    await exited
    rmSync(folder, { recursive: true })
  }
  return { url, adminUrl, rogueKey, state, stop }
}

async function newSigner(): Promise<Signer> {
  return webCryptoSigner(await generateDeviceKey({ extractable: false }))
}

async function create(url: string, signer: Signer, fields: Partial<Parameters<typeof signGenesis>[1]> = {}): Promise<VerifiedGenesis> {
  const salt = crypto.getRandomValues(new Uint8Array(16))
  const genesis = await signGenesis(signer, { neighborhood: '1', createdAt: Date.now(), salt, ...fields })
  const headers = { 'content-type': 'application/json' }
  const response = await fetch(`${url}/channel/${genesis.id}`, { method: 'PUT', headers, body: JSON.stringify(genesis.genesis) })
  if (response.status !== 201) throw new Error(`Creating a channel was answered ${response.status} ${await response.text()}`)
  await response.arrayBuffer()
  return genesis
}
