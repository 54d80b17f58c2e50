import { createDredClient, type DredClient, type DredClientOptions, memoryStorage, type WalletAccount } from '@dred/sdk'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type Ground, prepareGround, World } from '../../node/src/identity/testing/world.ts'

let ground: Ground
let world: World
let clients: DredClient[]
let asked: string[]
let requests: string[]

beforeAll(async () => {
  ground = await prepareGround()
  await ground.contracts.mint('token', ground.contracts.account.address, 5n)
})
afterAll(() => ground.chain.close())
beforeEach(async () => {
  world = await World.start(ground)
  clients = []
  asked = []
  requests = []
  return async () => {
    for (const each of clients) each.close()
    await world.close()
  }
})

/** An account of viem that writes down what it is asked to sign. */
function accountOf(index: number): WalletAccount {
  const { account } = ground.chain.wallet(index)
  return {
    address: account.address,
    signMessage: ({ message }) => {
      asked.push(message)
      return account.signMessage({ message })
    },
  }
}

function client(options: Partial<DredClientOptions>): DredClient {
  const made = createDredClient({ neighborhood: '1', discovery: [world.url(1)], storage: memoryStorage(), ...options })
  clients.push(made)
  return made
}

/** Writes down what is asked of servers. */
const noting: typeof fetch = (input, init) => {
  const { pathname } = new URL(input instanceof Request ? input.url : input)
  requests.push(`${init?.method} ${pathname}`)
  return fetch(input, init)
}

const count = (request: string) => requests.filter((noted) => noted === request).length

const gate = () =>
  ({ standard: 'erc20', contract: ground.contracts.token.toLowerCase(), min: '5', chainId: world.registry.chainId }) as const

describe('the SDK in channels that ask who reads', () => {
  it('publishes, reads and follows one with a token gate, asking the wallet once', async () => {
    const storage = memoryStorage()
    const account = accountOf(1)
    const first = await client({ account, storage, fetch: noting }).channels.create({ access: 'token', gate: gate() })
    await Promise.all([first.publish('one'), first.publish('two'), first.history(), first.history()])
    expect((await first.history()).items.map(({ data }) => data)).toEqual(['one', 'two'])
    expect(asked).toHaveLength(1)
    expect(count(`POST /channel/${first.id}/capability`)).toBe(1)
    // A question and an answer for each server at most.
    expect(count('POST /session')).toBeLessThanOrEqual(4)
    expect(asked[0]).toContain('localhost wants you to sign in with your Ethereum account')

    const again = await client({ account, storage }).channels.get(first.id)
    const subscription = again.subscribe({ from: 'start' })
    const seen: unknown[] = []
    for await (const { data } of subscription) if (seen.push(data) === 2) break
    expect(seen).toEqual(['one', 'two'])
    expect(asked).toHaveLength(1)
  })

  it('goes on when tokens and capabilities have ended', async () => {
    const channel = await client({ account: accountOf(1) }).channels.create({ access: 'token', gate: gate() })
    const seen: unknown[] = []
    const subscription = channel.subscribe({ from: 'start' }, ({ data }) => void seen.push(data))
    await channel.publish('before')
    // By the servers' clock only: the client does not know that they ended.
    world.advance(600_000)
    await channel.publish('after ten minutes')
    world.advance(3_600_000)
    await channel.publish('after an hour')
    expect((await channel.history()).items).toHaveLength(3)
    await expect.poll(() => seen, { timeout: 20_000 }).toEqual(['before', 'after ten minutes', 'after an hour'])
    expect(asked).toHaveLength(1)
    await subscription.close()
  })

  it('streams on with a new capability, asking for it by itself', async () => {
    const account = accountOf(1)
    const channel = await client({ account }).channels.create({ access: 'token', gate: gate() })
    const reader = await client({ account, fetch: noting }).channels.get(channel.id)
    const seen: unknown[] = []
    const subscription = reader.subscribe({ from: 'start' }, ({ data }) => void seen.push(data))
    await channel.publish('before')
    const opened = () => count(`GET /channel/${channel.id}/stream`)
    await expect.poll(() => [opened(), seen.length], { timeout: 20_000 }).toEqual([2, 1])
    world.advance(600_000)
    // Both servers have ended theirs; each is opened with the old capability first, and then with a new one.
    await expect.poll(opened, { timeout: 20_000 }).toBeGreaterThanOrEqual(4)
    await channel.publish('after ten minutes')
    await expect.poll(() => seen, { timeout: 20_000 }).toEqual(['before', 'after ten minutes'])
    expect(asked).toHaveLength(2)
    await subscription.close()
  })

  it('reads a channel of members without a word', async () => {
    const mine = client({})
    const channel = await mine.channels.create({ access: 'members' })
    await channel.publish('among us')
    const subscription = channel.subscribe({ from: 'start' })
    for await (const { data } of subscription) {
      expect(data).toBe('among us')
      break
    }
    expect((await channel.history()).items).toHaveLength(1)
    const stranger = await client({}).channels.get(channel.id)
    await expect(stranger.history()).rejects.toMatchObject({ code: 'not_a_member' })
    expect(asked).toEqual([])
  })

  it('says what is missing: tokens, an account, or its consent', async () => {
    const { id } = await client({ account: accountOf(1) }).channels.create({ access: 'token', gate: gate() })
    const history = async (options: Partial<DredClientOptions>) => (await client(options).channels.get(id)).history()
    await expect(history({ account: accountOf(2) })).rejects.toMatchObject({ code: 'gate_not_met' })
    await expect(history({})).rejects.toMatchObject({ code: 'unauthorized', message: expect.stringContaining('account') as string })
    let refused = 0
    const unwilling: WalletAccount = { ...accountOf(1), signMessage: () => Promise.reject(new Error(`no ${++refused}`)) }
    await expect(history({ account: unwilling })).rejects.toMatchObject({ code: 'delegation_refused' })
    expect(refused).toBe(1)
  })
})
