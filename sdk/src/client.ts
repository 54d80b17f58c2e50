import { type Signer, webCryptoSigner } from '@dred/protocol'
import { Channels } from './channels.ts'
import { type Clock, systemClock } from './clock.ts'
import type { Context } from './context.ts'
import { Credentials, type WalletAccount } from './credentials.ts'
import { deviceSigner } from './crypto/device-key.ts'
import { Discovery, isBaseUrl } from './discovery.ts'
import { DredClientError } from './errors.ts'
import { Emitter } from './events.ts'
import { ServerKeys } from './server-keys.ts'
import { ServerPool } from './servers.ts'
import { ClientState, type ConnectionState, type StateChange } from './state.ts'
import { defaultStorage, type Storage } from './storage.ts'
import { defaultTiming, type Timing } from './timing.ts'
import { Http } from './transport/http.ts'
import { Wake } from './wake.ts'

export interface DredClientOptions {
  /** Id of the neighborhood in its registry, decimal. */
  neighborhood: string
  /** What a deployment file holds, for the discovery services that it names. */
  deployment?: { readonly discovery?: readonly string[] }
  /** Base URLs of discovery services, tried in turn; a relay server's endpoint will do too. Default: those of the deployment. */
  discovery?: readonly string[]
  /** This device's Ed25519 key pair; else one is made silently and kept in the storage. */
  deviceKey?: CryptoKeyPair
  /** Signs instead of a device key. */
  signer?: Signer
  /** A wallet for channels with a token gate: asked once in 30 days to let this device act for it. An account of viem will do. */
  account?: WalletAccount
  /** Default: IndexedDB in browsers, memory elsewhere. */
  storage?: Storage
  /** Servers that a subscription streams from (`min`, default 2) and tries at once while some are in doubt (`max`, default 3). */
  servers?: { min: number; max: number }
  /** Default: the global `fetch`. */
  fetch?: typeof fetch
  /** Times other than the defaults, in milliseconds. */
  timing?: Partial<Timing>
  clock?: Clock
  /** Uniform in [0, 1): the choice among equal servers and the jitter. Default `Math.random`. */
  random?: () => number
}

// A type, not an interface: Emitter wants an index signature.
export type ClientEvents = {
  state: StateChange
  /** What went wrong and no call waits for: a stream that failed, a message that did not verify and was dropped. */
  error: DredClientError
}

/** A client of one neighborhood, with one device key. Made by {@link createDredClient}. */
export interface DredClient {
  readonly channels: Channels
  /** See {@link ConnectionState}: of the worst subscription. */
  readonly state: ConnectionState
  /** Publishes that wait for a server. */
  readonly pendingPublishes: number
  /** This device's public key, base64url: the `sender` of what it publishes. @throws DredClientError `unsupported_environment` */
  sender(): Promise<string>
  /** @returns a function that removes the listener */
  on<Name extends keyof ClientEvents>(name: Name, listener: (event: ClientEvents[Name]) => void): () => void
  /** Ends every subscription; calls that wait reject with `closed`. */
  close(): void
}

/** Makes a client. Does no input or output: that begins with the first call that needs it. @throws DredClientError `malformed_request` */
export function createDredClient(options: DredClientOptions): DredClient {
  const streams = options.servers ?? { min: 2, max: 3 }
  if (!/^[1-9][0-9]{0,9}$/.test(options.neighborhood)) throw badOption('`neighborhood` is a decimal id')
  const discovery = options.discovery ?? options.deployment?.discovery ?? []
  if (discovery.length === 0) throw badOption('`discovery`, or that of `deployment`, needs a URL')
  for (const url of discovery) if (!isBaseUrl(url)) throw badOption(`\`discovery\`: ${url} is not the URL of a service`)
  if (!(streams.min >= 1 && streams.max >= streams.min)) throw badOption('`servers` needs 1 ≤ min ≤ max')

  const emitter = new Emitter<ClientEvents>()
  const lifetime = new AbortController()
  const context = createContext(options, { discovery, streams, lifetime: lifetime.signal, emitter })
  return {
    channels: new Channels(context),
    get state() {
      return context.state.state
    },
    get pendingPublishes() {
      return context.outbox.pending
    },
    sender: async () => (await context.signer()).key,
    on: (name, listener) => emitter.on(name, listener),
    close: () => {
      lifetime.abort(new DredClientError('closed'))
      context.state.close()
    },
  }
}

function createContext(
  options: DredClientOptions,
  parts: { discovery: readonly string[]; streams: { min: number; max: number }; lifetime: AbortSignal; emitter: Emitter<ClientEvents> },
): Context {
  const { neighborhood, clock = systemClock, random = Math.random, storage = defaultStorage() } = options
  const timing: Timing = { ...defaultTiming, ...options.timing }
  const http = new Http({ fetch: options.fetch ?? globalThis.fetch.bind(globalThis), clock, timeoutMs: timing.requestMs })
  const wake = new Wake()
  const discovery = new Discovery({ neighborhood, urls: parts.discovery, http, clock, storage, timeoutMs: timing.requestMs })
  const signer = once(() => findSigner(options, storage, report))
  const report = (error: DredClientError): void => parts.emitter.emit('error', error)
  return {
    neighborhood,
    streams: parts.streams,
    clock,
    timing,
    http,
    wake,
    pool: new ServerPool({ discovery, clock, random, timing, wake }),
    keys: new ServerKeys(discovery, clock),
    state: new ClientState((change) => parts.emitter.emit('state', change)),
    outbox: { pending: 0 },
    lifetime: parts.lifetime,
    credentials: new Credentials({ neighborhood, account: options.account, signer, storage, http, clock }),
    signer,
    report,
  }
}

async function findSigner(options: DredClientOptions, storage: Storage, report: (error: DredClientError) => void): Promise<Signer> {
  if (options.signer) return options.signer
  return options.deviceKey ? webCryptoSigner(options.deviceKey) : deviceSigner(storage, report)
}

/** The same promise for all callers, unless it fails: then the next caller tries again. */
function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined
  return () => {
    made ??= make().catch((error: unknown) => {
      made = undefined
      throw error
    })
    return made
  }
}

function badOption(detail: string): DredClientError {
  return new DredClientError('malformed_request', { detail })
}
