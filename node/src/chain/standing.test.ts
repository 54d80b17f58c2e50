import { limits } from '@dred/protocol'
import { describe, expect, it } from 'vitest'
import { registeredServer } from '../testing/registry-view.ts'
import type { FormerKey } from './port.ts'
import { acceptedKeys, isAttested, peersOf } from './standing.ts'

const NOW = 1_800_000_000

describe('peers', () => {
  it('are those that are active or were, whenever their attestation ended', () => {
    const servers = [
      registeredServer(6, { validUntil: NOW }),
      registeredServer(5, { status: 'pending', validUntil: 1 }),
      registeredServer(4, { status: 'pending', validUntil: 0 }),
      registeredServer(3, { status: 'exiting' }),
      registeredServer(2, { status: 'withdrawn' }),
      registeredServer(1, { status: 'slashed' }),
    ]
    expect(peersOf(servers).map(({ id }) => id)).toEqual([5, 6])
  })

  it('are no more than a neighborhood can have: active ones first, then those attested last', () => {
    const lapsed = Array.from({ length: limits.servers }, (_, at) => registeredServer(at + 1, { status: 'pending', validUntil: NOW + at }))
    const active = [registeredServer(100, { validUntil: 1 }), registeredServer(101, { validUntil: 1 })]
    const peers = peersOf([...lapsed, ...active]).map(({ id }) => id)
    expect(peers).toEqual([...lapsed.slice(2).map(({ id }) => id), 100, 101])
  })
})

describe('an attestation', () => {
  it('holds through its last second, of an active server', () => {
    const server = registeredServer(1, { validUntil: NOW })
    expect(isAttested(server, NOW)).toBe(true)
    expect(isAttested(server, NOW + 1)).toBe(false)
    expect(isAttested({ ...server, status: 'pending' }, NOW)).toBe(false)
  })
})

describe('accepted keys', () => {
  const former = (id: number, acceptedUntil: number): FormerKey => ({ ...registeredServer(id), acceptedUntil })
  const ids = (formerKeys: FormerKey[], now = NOW) => acceptedKeys(registeredServer(1, { formerKeys }), now).map(({ keyId }) => keyId)
  const keyId = (id: number) => registeredServer(id).keyId

  it('are the present one and former ones through their last second', () => {
    expect(ids([former(2, NOW), former(3, NOW - 1)])).toEqual([keyId(1), keyId(2)])
    expect(ids([former(2, NOW)], NOW + 1)).toEqual([keyId(1)])
  })

  it('are not as many as anybody cares to make', () => {
    const many = Array.from({ length: 50 }, (_, at) => former(at + 2, NOW))
    expect(ids(many)).toEqual([keyId(1), ...many.slice(0, 8).map((key) => key.keyId)])
  })
})
