import { type Control, DredError, limits, type Signer, signGenesis, signMessage, verifyMessage } from '@dred/protocol'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ChannelTracker, type TrackedChannel } from '../channel-tracker.ts'
import { genesisEntry, messageEntry } from '../entries.ts'
import { type LossyStore, openLossyStore } from '../testing/lossy-store.ts'
import { testSigner } from '../testing/test-node.ts'
import { ChannelMembers, Controls } from './channel-members.ts'
import { judgeControl } from './judge-control.ts'
import { MembersGate } from './members-gate.ts'

const self = { server: 1, incarnation: 1 }
let store: LossyStore
let tracker: ChannelTracker
let members: ChannelMembers
let creator: Signer
let channel: TrackedChannel
let sentAt: number

async function entry(message: object, control?: Control['control']) {
  const { signed } = await signMessage(creator, channel.id, { message, sentAt: ++sentAt, ...(control === undefined ? {} : { control }) })
  return messageEntry(await verifyMessage(channel.id, signed), 60_000)
}
const add = async (message: object, control?: Control['control']) => store.append(await entry(message, control), self, ++sentAt)
const tracked = async (id: string): Promise<TrackedChannel> => {
  const found = await tracker.get(id)
  if (!found) throw new Error('The channel is not known')
  return found
}
const roles = async () =>
  [...(await members.of(channel)).membership.members].map(([key, { role }]) => (key === creator.key ? role : `${key[0] ?? ''} ${role}`))
const key = (letter: string): string => letter.repeat(43)

beforeEach(async () => {
  store = await openLossyStore()
  tracker = new ChannelTracker(store, { capacity: 10, pinned: () => false })
  members = new ChannelMembers(store, tracker)
  creator = await testSigner()
  sentAt = Date.now()
  const genesis = await signGenesis(creator, { neighborhood: '1', createdAt: sentAt, salt: new Uint8Array(16), access: 'members' })
  await store.append(genesisEntry(genesis), self, 1)
  channel = await tracked(genesis.id)
})
afterEach(async () => {
  tracker.close()
  await store.close()
})

describe('the members of a channel in use', () => {
  it('are read once, and kept as more is announced', async () => {
    await add({ key: key('a') }, 'approve')
    expect(await roles()).toEqual(['owner', 'a member'])
    await add({ key: key('b') }, 'approve')
    await add({ control: 'approve', key: key('c') })
    expect(await roles()).toEqual(['owner', 'a member', 'b member'])
  })

  it('are complete also where they are more than are read at once, and some come meanwhile', async () => {
    for (let i = 0; i < 1_001; i++) await add({ key: `${i}`.padStart(43, '0') }, 'approve')
    const reading = members.of(channel)
    await Promise.all([add({ key: key('x') }, 'approve'), add({ key: key('y') }, 'approve'), reading])
    expect((await members.of(channel)).size).toBe(1_003)
  })

  it('are read again after the store could not be asked', async () => {
    await add({ key: key('a') }, 'approve')
    store.goAway()
    await expect(members.of(channel)).rejects.toMatchObject({ code: 'store_unavailable' })
    await store.comeBack(2)
    expect(await roles()).toEqual(['owner', 'a member'])
  })

  it('are those of what the store has after it lost its tail', async () => {
    await add({ key: key('a') }, 'approve')
    await add({ key: key('b') }, 'approve')
    expect(await roles()).toHaveLength(3)
    store.goAway()
    await store.comeBack(2)
    tracker.clear()
    channel = await tracked(channel.id)
    expect(await roles()).toEqual(['owner', 'a member'])
  })
})

describe('the gate', () => {
  it('asks for a token to read, whatever key is named', async () => {
    const gate = new MembersGate(members)
    await expect(gate.assert(channel, 'read', { key: creator.key })).rejects.toMatchObject({ code: 'unauthorized' })
    await expect(gate.assert(channel, 'read', { device: creator.key })).resolves.toBeUndefined()
    await expect(gate.assert(channel, 'write', { device: creator.key, key: key('a') })).rejects.toMatchObject({ code: 'not_a_member' })
    await expect(gate.assert(channel, 'write', { key: creator.key })).resolves.toBeUndefined()
  })

  it.each(['pending', 'left', 'removed'])('does not let in who is %s', async (role) => {
    const device = key('a')
    const steps: Record<string, Control[]> = {
      pending: [{ id: '1', key: device, sentAt: 1, control: 'join', body: {} }],
      left: [
        { id: '1', key: creator.key, sentAt: 1, control: 'approve', body: { key: device } },
        { id: '2', key: device, sentAt: 2, control: 'leave', body: {} },
      ],
      removed: [{ id: '1', key: creator.key, sentAt: 1, control: 'remove', body: { key: device } }],
    }
    const controls = new Controls(creator.key)
    for (const step of steps[role] ?? []) controls.add(step)
    expect(controls.membership.members.get(device)?.role).toBe(role)
    const gate = new MembersGate({ of: async () => controls } as unknown as ChannelMembers)
    await expect(gate.assert(channel, 'read', { device })).rejects.toMatchObject({ code: 'not_a_member' })
    await expect(gate.assert(channel, 'write', { key: device })).rejects.toMatchObject({ code: 'not_a_member' })
  })
})

describe('how many control messages a channel takes', () => {
  const codeOf = (act: () => void): unknown => {
    try {
      act()
      return undefined
    } catch (error) {
      return error instanceof DredError ? error.code : error
    }
  }
  const invite = (id: string, at: number): Control => ({
    id,
    key: creator.key,
    sentAt: at,
    control: 'invite',
    body: { key: key('a'), expiresAt: 1e12 },
  })
  const coming = (i: number): Control =>
    i % 2 === 0
      ? { id: `${i}`, key: key('a'), sentAt: i, control: 'join', body: {} }
      : { id: `${i}`, key: key('a'), sentAt: i, control: 'leave', body: {} }

  it('is bounded, and what is left when people come and go without end is for owners', () => {
    const controls = new Controls(creator.key)
    for (let i = 0; i < limits.comingsAndGoings; i++) controls.add(coming(i))
    expect(codeOf(() => judgeControl(controls, coming(limits.comingsAndGoings), 0))).toBe('rate_limited')
    for (let i = limits.comingsAndGoings; i < limits.controls; i++) {
      controls.add(invite(`${i}`, i))
      expect(controls.size).toBe(i + 1)
    }
    expect(codeOf(() => judgeControl(controls, invite('one more', 10_000), 0))).toBe('rate_limited')
    // What is there already is no more.
    expect(codeOf(() => judgeControl(controls, coming(0), 0))).toBeUndefined()
  })

  it('leaves owners their room', () => {
    const controls = new Controls(creator.key)
    for (let i = 0; i < limits.comingsAndGoings; i++) controls.add(coming(i))
    const remove: Control = { id: 'remove', key: creator.key, sentAt: 10_000, control: 'remove', body: { key: key('a') } }
    expect(codeOf(() => judgeControl(controls, remove, 0))).toBeUndefined()
  })
})
