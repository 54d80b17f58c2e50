// Writes the test vectors of signatures about which implementations differ: `node protocol/vectors/generate-ed25519.ts`. The output is the
// same on every run, and a test holds it against the committed file.
import { writeFileSync } from 'node:fs'
import { encodeBase64url, utf8 } from '../src/index.ts'
import { add, BASE, encodePoint, encodeScalar, hashScalar, multiply, ORDER, TORSION, ZERO } from './edwards.ts'

interface Recipe {
  name: string
  /** Multiples of the point of order eight that are added to the key and to R. */
  key?: number
  point?: number | 'what makes the equation hold'
  /** R has no other part. */
  small?: boolean
  /** Of the challenge, modulo 8: what it does to the key's part of small order. */
  challenge?: bigint
  /** Added to the scalar. */
  extra?: bigint
}

const a = hashScalar(utf8('private scalar'))

function signature({ name, key = 0, point = 0, small = false, challenge, extra = 0n }: Recipe) {
  const publicKey = encodePoint(add(multiply(BASE, a), multiply(TORSION, BigInt(key))))
  const r = small ? 0n : hashScalar(utf8(name))
  const own = small ? ZERO : multiply(BASE, r)
  for (let attempt = 0; ; attempt++) {
    const bytes = utf8(`${name} ${attempt}`)
    // The challenge depends on R, and R on the challenge: tried until they meet.
    for (let guess = 0n; guess < 8n; guess++) {
      const part = typeof point === 'number' ? BigInt(point) : (8n - ((guess * BigInt(key)) % 8n)) % 8n
      const encoded = encodePoint(add(own, multiply(TORSION, part)))
      const h = hashScalar(encoded, publicKey, bytes)
      if (h % 8n !== guess || (challenge !== undefined && guess !== challenge)) continue
      const sig = Uint8Array.from([...encoded, ...encodeScalar(((r + h * a) % ORDER) + extra)])
      return { name, key: encodeBase64url(publicKey), sig: encodeBase64url(sig), bytes: Buffer.from(bytes).toString('hex') }
    }
  }
}

const vectors = {
  valid: [
    { name: 'as everybody signs' },
    { name: 'a key with a part of order 8 that the challenge cancels', key: 1, challenge: 0n },
    { name: 'a key with a part of order 2 that the challenge cancels', key: 4, challenge: 6n },
    { name: 'a key and a point with parts of small order that cancel each other', key: 3, point: 'what makes the equation hold', challenge: 5n } as const,
  ].map(signature),
  invalid: [
    { name: 'a key with a part of order 8: holds only with the cofactor', key: 1, challenge: 3n },
    { name: 'a key with a part of order 2: holds only with the cofactor', key: 4, challenge: 1n },
    ...[1, 2, 4, 7].map((point) => ({ name: `a point with ${point} times the point of order 8: holds only with the cofactor`, point })),
    { name: 'a point of order 1 for which the equation holds', small: true },
    ...[2n, 4n, 1n].map((challenge) => ({
      name: `a point of small order for which the equation holds, challenge ${challenge} modulo 8`,
      key: 1,
      point: 'what makes the equation hold' as const,
      small: true,
      challenge,
    })),
    { name: 'a scalar that is not reduced', extra: ORDER },
  ].map(signature),
}

const target = process.argv[2] ?? import.meta.dirname
writeFileSync(`${target}/ed25519.json`, `${JSON.stringify(vectors, null, 2)}\n`)
