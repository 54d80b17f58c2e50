import { createHash } from 'node:crypto'
import { expect, it } from 'vitest'
import { epochOf } from './epoch.ts'

const byHand = (hex: string) => createHash('sha256').update(Buffer.from(hex, 'hex')).digest().readUInt32BE()

it('is the beginning of the hash of the ids as CBOR', () => {
  expect(epochOf([])).toBe(byHand('80'))
  expect(epochOf([9, 23, 24, 256, 4_294_967_295])).toBe(byHand('85091718181901001affffffff'))
})

it('is the same whatever the order', () => {
  expect(epochOf([10, 9, 100])).toBe(epochOf([100, 10, 9]))
  expect(epochOf([9, 10, 100])).not.toBe(epochOf([9, 10]))
})
