import { decode, encode } from 'cborg'
import type { Random } from './random.ts'

function one<T>(items: readonly T[], random: Random): T {
  const item = random.pick(items)
  if (item === undefined) throw new RangeError('Nothing to choose from')
  return item
}

const edges = [0, 1, 2, 23, 24, 255, 256, 65_535, 65_536, 2 ** 32 - 1, 2 ** 32, Number.MAX_SAFE_INTEGER, -1, 1.5]
const leaves: unknown[] = [
  null,
  true,
  false,
  '',
  'x',
  'A'.repeat(43),
  'A'.repeat(86),
  '€\u0000',
  [],
  [[]],
  new Uint8Array(),
  new Uint8Array(16),
  new Uint8Array(64),
]

/** Changes one place of a tree: a value for another, an item more, less, twice, or from elsewhere. */
function mutated(tree: unknown, bodies: readonly Uint8Array[], random: Random): unknown {
  if (!Array.isArray(tree) || tree.length === 0 || random.below(8) === 0) return changedLeaf(tree, random)
  const items: unknown[] = [...(tree as unknown[])]
  const at = random.below(items.length)
  switch (random.below(10)) {
    case 0:
      items.splice(at, 1)
      break
    case 1:
      items.splice(at, 0, one(items, random))
      break
    case 2:
      items.splice(at, 0, changedLeaf(undefined, random))
      break
    case 3:
      items[at] = partOf(decode(one(bodies, random)), random)
      break
    default:
      items[at] = mutated(items[at], bodies, random)
  }
  return items
}

function changedLeaf(leaf: unknown, random: Random): unknown {
  if (typeof leaf === 'number' && random.below(2) === 0) return Math.max(0, leaf + random.below(5) - 2)
  if (typeof leaf === 'string' && leaf !== '' && random.below(2) === 0)
    return leaf.slice(0, random.below(leaf.length)) + random.pick(['', 'a', '€'])
  if (leaf instanceof Uint8Array && leaf.length > 0 && random.below(2) === 0) {
    const bytes = leaf.slice(0, random.below(8) === 0 ? random.below(leaf.length) : undefined)
    if (bytes.length > 0) bytes[random.below(bytes.length)] = random.below(256)
    return bytes
  }
  return random.below(2) === 0 ? one(edges, random) : one(leaves, random)
}

function partOf(tree: unknown, random: Random): unknown {
  return Array.isArray(tree) && tree.length > 0 && random.below(3) > 0 ? partOf(one(tree as unknown[], random), random) : tree
}

/** Changes, adds or cuts bytes without a thought of what they mean. */
function garbled(bytes: Uint8Array, random: Random): Uint8Array {
  const copy = bytes.slice()
  const at = random.below(copy.length)
  switch (random.below(4)) {
    case 0:
      return copy.subarray(0, at)
    case 1:
      return Uint8Array.of(...copy.subarray(0, at), random.below(256), ...copy.subarray(at))
    default:
      copy[at] = random.below(256)
      return copy
  }
}

/** One of the frames' bodies as a hostile peer might have it: mostly CBOR that is nearly right, sometimes no CBOR. */
export function frameVariant(bodies: readonly Uint8Array[], random: Random): Uint8Array {
  const body = one(bodies, random)
  if (random.below(4) === 0) return garbled(body, random)
  let tree: unknown = decode(body)
  do tree = mutated(tree, bodies, random)
  while (random.below(3) === 0)
  return encode(tree)
}
