import { describe, expect, it } from 'vitest'
import { canonicalJson, decodeBase64url, encodeBase64url, MAX_JSON_DEPTH, sha256, utf8 } from './encoding.ts'
import { routeUrl } from './paths.ts'

describe('base64url', () => {
  it('is what Node encodes, for every length', () => {
    for (let length = 0; length < 70; length++) {
      const bytes = sha256(utf8(`${length}`)).subarray(0, length % 33)
      const text = encodeBase64url(bytes)
      expect(text).toBe(Buffer.from(bytes).toString('base64url'))
      expect(decodeBase64url(text)).toEqual(new Uint8Array(bytes))
    }
  })

  it.each([
    ['padding', 'AA=='],
    ['a character of base64', 'A+'],
    ['a length that no bytes have', 'A'],
    ['unused bits', 'AB'],
    ['white space', 'AA A'],
  ])('refuses %s', (_, text) => {
    expect(decodeBase64url(text)).toBeUndefined()
  })

  it('refuses another length than asked for', () => {
    expect(decodeBase64url('AAAA', 2)).toBeUndefined()
    expect(decodeBase64url('AAAA', 3)).toEqual(new Uint8Array(3))
  })
})

describe('canonical JSON', () => {
  it('nests as deep as allowed', () => {
    const nest = (depth: number): unknown[] => (depth === 0 ? [] : [nest(depth - 1)])
    expect(canonicalJson(nest(MAX_JSON_DEPTH) as never)).toBe('['.repeat(MAX_JSON_DEPTH + 1) + ']'.repeat(MAX_JSON_DEPTH + 1))
    expect(() => canonicalJson(nest(MAX_JSON_DEPTH + 1) as never)).toThrow(/nested deeper/)
  })

  it('does not drop undefined silently into a signature', () => {
    expect(() => canonicalJson(undefined as never)).toThrow(/not JSON/)
  })
})

describe('route addresses', () => {
  it('fill in parameters and leave out what is undefined', () => {
    expect(routeUrl('http://127.0.0.1:1/', 'streamChannel', { params: { id: 'a/b' }, query: { after: '1.x.~', last: undefined } })).toBe(
      'http://127.0.0.1:1/channel/a%2Fb/stream?after=1.x.%7E',
    )
  })
})
