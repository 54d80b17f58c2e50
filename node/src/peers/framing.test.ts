import { signMessage, verifyMessage } from '@dred/protocol'
import type { BodyEntry } from '@dred/protocol/relay'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { eventually } from '../testing/eventually.ts'
import { bodyOf } from './wire-entry.ts'
import { Cluster } from './testing/cluster.ts'
import { Rogue } from './testing/rogue.ts'

const origin = '1-1' as const

let cluster: Cluster
let rogue: Rogue
beforeEach(async () => {
  cluster = await Cluster.create(3)
  await cluster.server(2).start()
  await cluster.server(3).start()
  await eventually(() => cluster.server(3).replicator.connected()).toEqual([2])
  rogue = await Rogue.dial(cluster.server(2).entry.endpoint)
  await rogue.join(cluster, { from: 1, to: 2, key: cluster.server(1).key })
})
afterEach(async () => {
  rogue.close()
  await cluster.close()
})

async function wire(n: number): Promise<BodyEntry> {
  const coordinate = { server: 1, incarnation: 1, n }
  return bodyOf({ ...(await cluster.message(`message ${n}`)), coordinate, clock: Date.now() * 1_000 })
}

const push = (entry: BodyEntry, cover: number[]) => rogue.send({ type: 'MSG', entry, cover })
const known = (server: number) => async () => (await cluster.server(server).store.vector()).counts(origin)

/** What server 3 has had of server 2 once it has all: whether it had a reason to leave it, and whether it has. */
async function harm(upTo: number): Promise<{ rejected: number; linked: number[] }> {
  await eventually(known(3)).toEqual([upTo])
  const { counts, replicator } = cluster.server(3)
  return { rejected: counts.rejected, linked: replicator.connected() }
}

const none = { rejected: 0, linked: [2] }

describe('a peer that would have others take one for a liar', () => {
  it('can not do so with something else under a coordinate that is there', async () => {
    const entry = await wire(1)
    push(entry, [])
    await eventually(known(2)).toEqual([1])
    push({ ...entry, canonical: '{}' }, [3])
    push({ ...entry, sig: `${entry.sig.slice(0, 40)}${entry.sig.slice(0, 46)}` }, [3])
    push(await wire(2), [3])
    expect(await harm(2)).toEqual(none)
  })

  it('can not do so with an expiry that the channel does not have', async () => {
    // Server 2 knows the channel, and server 3 not yet.
    const coordinate = { server: 9, incarnation: 1, n: 1 }
    await cluster.server(2).store.replicate({ ...cluster.genesis, coordinate, clock: Date.now() * 1_000 })
    const entry = await wire(1)
    push({ ...entry, expiresAt: Number.MAX_SAFE_INTEGER }, [3])
    push({ ...(await wire(2)), expiresAt: 1 }, [3])
    expect(await harm(2)).toEqual(none)
    const [first] = await cluster.server(3).store.readOrigin({ server: 1, incarnation: 1, from: 1, to: 1 }, 1)
    expect(first).toMatchObject({ expiresAt: entry.expiresAt })
  })

  it('can not do so with a date that is ahead for one of them', async () => {
    cluster.server(3).clock = () => Date.now() - 20_000
    const sentAt = Date.now() + 320_000
    const { signed } = await signMessage(cluster.signer, cluster.channel.id, { message: 'early', sentAt })
    const { canonical, sig } = await verifyMessage(cluster.channel.id, signed)
    push({ ...(await wire(1)), canonical, sig, expiresAt: sentAt + 100_000 }, [3])
    push(await wire(2), [3])
    await eventually(known(3)).toEqual([0, 2])
    cluster.server(3).clock = Date.now
    expect(await harm(2)).toEqual(none)
  })
})
