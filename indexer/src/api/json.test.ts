import { expect, test } from 'vitest'
import { serverJson } from './json.ts'
import type { ServerRow } from './store.ts'

const row: ServerRow = {
  id: 3,
  neighborhood: 1,
  operator: '0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266',
  payout: '0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266',
  pendingPayout: null,
  keyId: '0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266',
  keyX: '0x01',
  keyY: '0x02',
  endpoint: 'https://one.example',
  proposedEndpoint: null,
  did: 'did:web:one.example',
  stake: 2n ** 90n,
  status: 'active',
  validUntil: 1_000,
  unlockAt: null,
  slashPercent: null,
  slashReporter: null,
  slashPosition: null,
  slashReward: null,
  slashBurned: null,
  registeredAtBlock: 7,
}

test('an attestation holds through the second that it names', () => {
  expect([999, 1_000, 1_001].map((at) => serverJson(row, at).status)).toEqual(['active', 'active', 'lapsed'])
})

test('only an active server lapses', () => {
  for (const status of ['pending', 'exiting', 'withdrawn', 'slashed'] as const) {
    expect(serverJson({ ...row, status }, 1_001).status).toBe(status)
  }
})

test('accounts have a checksum, key ids have none, amounts keep every digit', () => {
  const { operator, keyId, stake } = serverJson(row, 0)
  expect({ operator, keyId, stake }).toEqual({
    operator: '0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266',
    keyId: row.keyId,
    stake: '1237940039285380274899124224',
  })
})
