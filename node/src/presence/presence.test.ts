import { type Signer, signGenesis, signPresence, verifyPresence } from '@dred/protocol'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { accessBy } from '../access/access.ts'
import { ChannelTracker } from '../channel-tracker.ts'
import { genesisEntry } from '../entries.ts'
import { ChannelMembers } from '../members/channel-members.ts'
import { MembersGate } from '../members/members-gate.ts'
import type { NoticeJudge } from '../notices/port.ts'
import type { Store } from '../store/port.ts'
import { openSqliteStore } from '../store/sqlite.ts'
import { testSigner } from '../testing/test-node.ts'
import { Presence } from './presence.ts'

const NOW = 1_700_000_000_000
let store: Store
let creator: Signer
let alice: Signer
let judge: NoticeJudge

beforeEach(async () => {
  store = await openSqliteStore({ path: ':memory:' })
  ;[creator, alice] = await Promise.all([testSigner(), testSigner()])
  const tracker = new ChannelTracker(store, { capacity: 10, pinned: () => false })
  const never = { assert: async () => Promise.reject(new Error('not asked')) }
  const notices = {
    register: (_: string, of: NoticeJudge) => (judge = of),
    take: async () => undefined,
    get: () => undefined,
    about: () => [],
    on: () => () => undefined,
  }
  const access = accessBy({ members: new MembersGate(new ChannelMembers(store, tracker)), token: never })
  new Presence({ notices, tracker, access, now: () => NOW }).stop()
})
afterEach(() => store.close())

async function channelOf(access: 'open' | 'members' | 'token'): Promise<string> {
  const gate = { standard: 'erc20' as const, contract: `0x${'aa'.repeat(20)}`, min: '1', chainId: 1 }
  const salt = crypto.getRandomValues(new Uint8Array(16))
  const fields = { neighborhood: '1', createdAt: NOW, salt, access, ...(access === 'token' ? { gate } : {}) }
  const genesis = await signGenesis(creator, fields)
  await store.append(genesisEntry(genesis), { server: 1, incarnation: 1 }, 1)
  return genesis.id
}
const text = async (by: Signer, channel: string, sentAt = NOW): Promise<string> =>
  (await verifyPresence(channel, await signPresence(by, channel, { sentAt, ttlMs: 1_000 }))).text

describe('a lease that another server passes on', () => {
  it.each(['open', 'token'] as const)('is believed in a channel with access %s', async (access) => {
    const channel = await channelOf(access)
    const lease = await text(alice, channel)
    expect(await judge(lease)).toEqual({
      kind: 'presence',
      about: `${channel}/${alice.key}`,
      at: NOW,
      expiresAt: NOW + 1_000,
      text: lease,
    })
  })

  it('is believed in a channel of members for members alone', async () => {
    const channel = await channelOf('members')
    await expect(judge(await text(alice, channel))).rejects.toMatchObject({ code: 'not_a_member' })
    await expect(judge(await text(creator, channel))).resolves.toMatchObject({ kind: 'presence' })
  })

  it('is nothing while its channel is not known', async () => {
    await expect(judge(await text(alice, 'C'.repeat(43)))).rejects.toMatchObject({ code: 'unknown_channel' })
  })

  it('is not believed when it is dated more than a minute ahead', async () => {
    const channel = await channelOf('open')
    await expect(judge(await text(alice, channel, NOW + 60_000))).resolves.toMatchObject({ at: NOW + 60_000 })
    await expect(judge(await text(alice, channel, NOW + 60_001))).rejects.toMatchObject({ code: 'clock_skew' })
  })
})
