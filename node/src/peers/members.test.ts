import { epochOf } from '@dred/protocol/relay'
import { expect, it } from 'vitest'
import { MemoryRegistry, registeredServer } from '../testing/registry-view.ts'
import { Members } from './members.ts'

const servers = [
  registeredServer(1),
  registeredServer(2, { status: 'exiting' }),
  registeredServer(3, { status: 'pending', validUntil: 1 }),
  registeredServer(4, { status: 'pending', validUntil: 0 }),
  registeredServer(5, { status: 'withdrawn' }),
]

it('are the servers that replicate and those that leave; the list of an epoch has none of the latter', () => {
  const members = new Members(new MemoryRegistry(servers))
  const epoch = epochOf([1, 3])
  const [one, two, three] = [1, 2, 3].map((id) => ({ id, leaving: id === 2 }))
  expect(members.read()).toEqual({ type: 'members', members: [one, two, three], epoch })
  expect(members.listOf(epoch)).toEqual([1, 3])
  expect(members.listOf(epoch + 1)).toBeUndefined()
})

it('are remembered for as long as peers may name them: four lists, the oldest goes first', () => {
  const registry = new MemoryRegistry([])
  const members = new Members(registry)
  const epochs = [1, 2, 3, 4].map((id) => {
    registry.set([registeredServer(id)])
    return members.read().epoch
  })
  // The first list is there again, so the second is the oldest now.
  registry.set([registeredServer(1)])
  members.read()
  registry.set([registeredServer(5)])
  members.read()
  expect(epochs.map((epoch) => members.listOf(epoch))).toEqual([[1], undefined, [3], [4]])
})
