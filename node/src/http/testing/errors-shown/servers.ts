import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DredError, type ErrorCode, type Signer, type VerifiedGenesis, verifyMessage } from '@dred/protocol'
import { genesisEntry, messageEntry } from '../../../entries.ts'
import type { WalletChain } from '../../../identity/port.ts'
import { noLimits } from '../../../limits/config.ts'
import type { NodeSettings } from '../../../node.ts'
import { realtimeDefaults } from '../../../realtime/config.ts'
import type { Store } from '../../../store/port.ts'
import { openSqliteStore } from '../../../store/sqlite.ts'
import { startTestNode, type TestNode, testSigner } from '../../../testing/test-node.ts'
import { ask, bearer, newGenesis, newMessage, tokenOf } from './requests.ts'

/** Something that fails in a chosen way for as long as one likes. */
export interface Breakable {
  failure: ErrorCode | undefined
}

export interface FakeWallets extends WalletChain, Breakable {
  balanceOf: bigint
}

/** A server in some situation, and what there is on it. */
export interface Place {
  node: TestNode
  storeFault: Breakable
  wallets: FakeWallets
  /** Created the channels and owns them. */
  owner: Signer
  /** Belongs to the channel of members. */
  member: Signer
  /** Nobody's member. */
  stranger: Signer
  open: VerifiedGenesis
  members: VerifiedGenesis
  token: VerifiedGenesis
  /** Of the stranger. */
  bearer: Record<string, string>
}

const DAY_MS = 86_400_000

/** Servers by the situation that they are in, each started when it is first asked for. */
const situations = {
  usual: {},
  /** Is going down. */
  draining: {},
  /** Is no member of its neighborhood. */
  outside: {},
  /** Eight days have passed since the channels had a message. */
  late: { purgeEveryMs: 3_600_000 },
  /** What the channels held has expired. */
  purged: {},
  /** Has as many streams and waiting requests as it may. */
  crowded: { maxStreams: 0, realtime: { ...realtimeDefaults, maxPolls: 0 } },
  /** Waits a moment only for bodies. */
  hasty: { http: { bodyTimeoutMs: 50 } },
  /** Its clients have asked for what they may. */
  spent: { limits: { ...noLimits, address: { burst: 1, perSecond: 1e-6 } } },
} as const satisfies Record<string, Partial<NodeSettings>>
export type Server = keyof typeof situations

export class Servers {
  readonly #places = new Map<Server, Promise<Place>>()
  readonly #folder = mkdtempSync(join(tmpdir(), 'dred-errors-'))

  at(server: Server): Promise<Place> {
    const place = this.#places.get(server) ?? this.#start(server)
    this.#places.set(server, place)
    return place
  }

  async close(): Promise<void> {
    for (const place of this.#places.values()) await (await place).node.close()
    rmSync(this.#folder, { recursive: true })
  }

  async #start(server: Server): Promise<Place> {
    const storeFault: Breakable = { failure: undefined }
    const store = breakable(await openSqliteStore({ path: ':memory:' }), storeFault)
    const wallets = fakeWallets()
    const tokenFile = join(this.#folder, server)
    const settings: Partial<NodeSettings> = { admin: { host: '127.0.0.1', port: 0, tokenFile }, ...situations[server] }
    const node = await startTestNode(settings, { store, wallets })
    const [owner, member, stranger] = [await testSigner(), await testSigner(), await testSigner()]
    const place = { node, storeFault, wallets, owner, member, stranger, ...(await channels(store, owner)) }
    await logMessage(
      store,
      place.members.id,
      await newMessage(owner, place.members.id, { control: 'approve', message: { key: member.key } }),
    )
    const header = server === 'spent' ? {} : bearer(await tokenOf(node, stranger))
    await arrange[server](place, readFileSync(tokenFile, 'utf8').trim())
    return { ...place, bearer: header }
  }
}

async function channels(store: Store, owner: Signer): Promise<Pick<Place, 'open' | 'members' | 'token'>> {
  const gate = { standard: 'erc20', contract: `0x${'11'.repeat(20)}`, min: '2', chainId: 31_337 } as const
  const [open, members, token] = [
    await newGenesis(owner),
    await newGenesis(owner, { access: 'members' }),
    await newGenesis(owner, { access: 'token', gate }),
  ]
  for (const [i, genesis] of [open, members, token].entries())
    await store.append(genesisEntry(genesis), { server: 1, incarnation: 1 }, i + 1)
  return { open, members, token }
}

/** Kept for a second. */
async function logMessage(store: Store, channel: string, body: unknown): Promise<void> {
  await store.append(messageEntry(await verifyMessage(channel, body), 1_000), { server: 1, incarnation: 1 }, Date.now() * 1_000)
}

type Arrangement = (place: Omit<Place, 'bearer'>, adminToken: string) => Promise<void>
const nothing: Arrangement = async () => undefined

const arrange: Record<Server, Arrangement> = {
  usual: nothing,
  crowded: nothing,
  hasty: nothing,
  draining: async ({ node }, adminToken) => {
    const { status } = await ask(node.adminUrl, { method: 'POST', path: '/admin/drain', headers: bearer(adminToken) })
    if (status !== 200) throw new Error(`draining answers ${status}`)
  },
  outside: async ({ node }) => node.registry.set([]),
  late: async ({ node }) => node.advance(8 * DAY_MS),
  purged: async ({ node, owner, ...genesis }) => {
    for (const { id } of [genesis.open, genesis.members, genesis.token]) {
      await logMessage(node.store, id, await newMessage(owner, id))
    }
    await node.store.purge(Date.now() + 10_000)
  },
  spent: async ({ node }) => {
    await ask(node.url, { path: '/.well-known/dred' })
  },
}

function fakeWallets(): FakeWallets {
  const answer = async <T>(value: T): Promise<T> => {
    if (wallets.failure) throw new DredError(wallets.failure)
    return value
  }
  const wallets: FakeWallets = {
    failure: undefined,
    balanceOf: 2n,
    signedDelegation: () => answer(true),
    signedText: () => answer(true),
    balance: () => answer(wallets.balanceOf),
  }
  return wallets
}

/** A store whose methods fail as long as its fault says so. */
function breakable<T extends object>(target: T, fault: Breakable): T {
  return new Proxy(target, {
    get: (of, name) => {
      const value: unknown = Reflect.get(of, name, of)
      if (typeof value === 'object' && value !== null) return breakable(value, fault)
      if (typeof value !== 'function') return value
      return (...args: unknown[]): unknown => {
        if (fault.failure && fails(String(name), fault.failure)) return Promise.reject(new DredError(fault.failure))
        return (value as (...args: unknown[]) => unknown).apply(of, args)
      }
    },
  })
}

/** What is full can be read. */
function fails(method: string, failure: ErrorCode): boolean {
  return failure === 'store_unavailable' ? method !== 'close' && !method.startsWith('on') : ['append', 'put'].includes(method)
}
