// The group of Ed25519 with its points of small order, as vectors need them; no implementation of signatures makes such.
import { createHash } from 'node:crypto'

const P = 2n ** 255n - 19n
export const ORDER = 2n ** 252n + 27742317777372353535851937790883648493n

/** x/z, y/z and x·y/z. */
type Point = readonly [x: bigint, y: bigint, z: bigint, t: bigint]

const mod = (value: bigint): bigint => ((value % P) + P) % P

function power(base: bigint, exponent: bigint): bigint {
  let result = 1n
  for (let square = mod(base), rest = exponent; rest > 0n; rest >>= 1n, square = mod(square * square)) {
    if (rest & 1n) result = mod(result * square)
  }
  return result
}

const D = mod(-121665n * power(121666n, P - 2n))

/** The point with this y and an even x. */
function pointOf(y: bigint): Point {
  const squared = mod((y * y - 1n) * power(D * y * y + 1n, P - 2n))
  const root = power(squared, (P + 3n) / 8n)
  const x = mod(root * root) === squared ? root : mod(root * power(2n, (P - 1n) / 4n))
  const even = x & 1n ? P - x : x
  return [even, y, 1n, mod(even * y)]
}

export const ZERO: Point = [0n, 1n, 1n, 0n]
export const BASE = pointOf(mod(4n * power(5n, P - 2n)))
/** Of order eight. */
export const TORSION = pointOf(0x05fc536d880238b13933c6d305acdfd5f098eff289f4c345b027b2c28f95e826n)

export function add([x1, y1, z1, t1]: Point, [x2, y2, z2, t2]: Point): Point {
  const a = mod((y1 - x1) * (y2 - x2))
  const b = mod((y1 + x1) * (y2 + x2))
  const c = mod(2n * D * t1 * t2)
  const d = mod(2n * z1 * z2)
  const [e, f, g, h] = [b - a, d - c, d + c, b + a]
  return [mod(e * f), mod(g * h), mod(f * g), mod(e * h)]
}

export function multiply(point: Point, scalar: bigint): Point {
  let result = ZERO
  for (let double = point, rest = scalar; rest > 0n; rest >>= 1n, double = add(double, double)) if (rest & 1n) result = add(result, double)
  return result
}

export function encodePoint([x, y, z]: Point): Uint8Array {
  const inverse = power(z, P - 2n)
  const bytes = encodeScalar(mod(y * inverse))
  bytes[31] = (bytes[31] ?? 0) | Number((mod(x * inverse) & 1n) << 7n)
  return bytes
}

export function encodeScalar(value: bigint): Uint8Array {
  return Uint8Array.from({ length: 32 }, (_, i) => Number((value >> BigInt(8 * i)) & 255n))
}

/** SHA-512 as a number below the group's order. */
export function hashScalar(...parts: Uint8Array[]): bigint {
  const hash = createHash('sha512')
  for (const part of parts) hash.update(part)
  return BigInt(`0x${hash.digest().reverse().toString('hex')}`) % ORDER
}
