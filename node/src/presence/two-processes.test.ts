import { type Signer, signPresence, verifyPresence, verifyPresenceText } from '@dred/protocol'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import type { Notice } from '../notices/port.ts'
import { type ServerProcess, TwoProcesses } from '../processes/testing/two-processes.ts'
import { eventually } from '../testing/eventually.ts'
import { testSigner } from '../testing/test-node.ts'

vi.setConfig({ testTimeout: 60_000, hookTimeout: 30_000 })

let two: TwoProcesses
beforeEach(async () => {
  two = await TwoProcesses.start()
})
afterEach(() => two.close())

async function put(at: ServerProcess, by: Signer): Promise<number> {
  const body = await signPresence(by, two.cluster.channel.id, { sentAt: Date.now(), ttlMs: 30_000 })
  const init = { method: 'PUT', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }
  return (await fetch(`${two.channelUrl(at)}/presence`, init)).status
}

async function present(at: ServerProcess): Promise<string[]> {
  const { items } = (await (await fetch(`${two.channelUrl(at)}/presence`)).json()) as { items: { key: string }[] }
  return items.map(({ key }) => key).toSorted()
}

async function judge(text: string): Promise<Notice> {
  const { channel, presence } = await verifyPresenceText(text)
  return { kind: 'presence', about: `${channel}/${presence.key}`, at: presence.sentAt, expiresAt: presence.sentAt + presence.ttlMs, text }
}

it('who is present at one process is so at the other, and at peers of whichever has the links', async () => {
  const [first, second] = two.processes
  if (!first || !second) throw new Error('There are two')
  two.expose(first)
  const peers = [1, 3].map((id) => two.cluster.server(id))
  for (const { notices } of peers) notices.register('presence', judge)
  await eventually(() => peers.map(({ replicator }) => replicator.connected().includes(2))).toEqual([true, true])
  for (const process of two.processes) await eventually(async () => (await fetch(two.channelUrl(process))).status).toBe(200)
  const [alice, bob, carol] = await Promise.all([testSigner(), testSigner(), testSigner()])
  expect(await put(first, alice)).toBe(200)
  expect(await put(second, bob)).toBe(200)
  const both = [alice.key, bob.key].toSorted()
  for (const process of two.processes) await eventually(() => present(process)).toEqual(both)
  for (const { notices } of peers) {
    await eventually(() => notices.about('presence', `${two.cluster.channel.id}/`).length).toBe(2)
  }
  // What a peer took comes to both.
  const lease = await signPresence(carol, two.cluster.channel.id, { sentAt: Date.now(), ttlMs: 30_000 })
  const { text } = await verifyPresence(two.cluster.channel.id, lease)
  await peers[0]?.notices.take(await judge(text))
  for (const process of two.processes) await eventually(() => present(process)).toEqual([...both, carol.key].toSorted())
})
