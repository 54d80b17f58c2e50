import { createHash } from 'node:crypto'
import { hashInJavaScript, hashWith, sha256 } from '@dred/protocol'
import { Random } from '@dred/protocol/testing/random'
import { afterEach, describe, expect, it } from 'vitest'
import { hashNatively, nativeSha256 } from './native-hash.ts'

afterEach(() => hashWith(hashInJavaScript))

describe('the native SHA-256', () => {
  it('hashes as the one in JavaScript does, whatever the parts', () => {
    const random = new Random(1)
    for (let i = 0; i < 300; i++) {
      const bytes = () => Uint8Array.from({ length: random.below(200) }, () => random.below(256))
      const parts = Array.from({ length: random.below(4) }, () => (random.below(2) === 0 ? bytes() : `\0é☃${bytes().join()}`))
      const expected = parts.reduce((hash, part) => hash.update(part), createHash('sha256')).digest()
      expect(Buffer.from(nativeSha256(...parts))).toEqual(expected)
      expect(Buffer.from(hashInJavaScript(...parts))).toEqual(expected)
    }
  })

  it('is what everything hashes with once it is asked for', () => {
    const bytes = new Uint8Array(1_000)
    const before = sha256(bytes)
    hashWith(() => new Uint8Array(32))
    expect(sha256(bytes)).toEqual(new Uint8Array(32))
    hashNatively()
    expect(sha256(bytes)).toEqual(before)
  })

  it("gives bytes that are nobody else's", () => {
    const first = nativeSha256(new Uint8Array(1_000))
    const copy = Uint8Array.from(first)
    for (let i = 0; i < 1_000; i++) nativeSha256(Uint8Array.of(i, ...new Uint8Array(200)))
    expect(first).toEqual(copy)
  })
})
