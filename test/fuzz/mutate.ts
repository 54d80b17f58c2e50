import type { Random } from '@dred/protocol/testing/random'

const NUMBERS = [0, -0, -1, 1.5, 1e21, 1e308, 2 ** 31, 2 ** 32, 2 ** 53, -(2 ** 53), Number.MAX_SAFE_INTEGER, 1e-7]
const TEXTS = [
  '',
  ' ',
  '\0',
  '\ud800',
  '\udfff\ud800',
  '\ufeff',
  '\u202e',
  'e\u0301',
  '\u00e9',
  '\u{1f600}',
  '%00',
  '../..',
  "'",
  '"',
  '\\',
  '\r\n',
  '__proto__',
  'constructor',
  'toString',
  'null',
  'NaN',
  '-1',
  '1e999',
  '0x10',
  '9007199254740993',
  'A'.repeat(43),
  'A'.repeat(86),
  '1.AAAAAAAAAAAA.',
  '1.AAAAAAAAAAAA.1-1-1~1-1-1',
  'open',
  'members',
  'token',
  'quorum',
  'start',
  'true',
  'x'.repeat(300),
]
const NAMES = [
  '__proto__',
  'constructor',
  'prototype',
  'v',
  'id',
  'key',
  'sig',
  'channel',
  'message',
  'control',
  'prev',
  'extra',
  '',
  '\ud800',
  'length',
]

/** Any JSON value that a client might not think of. */
export function hostileValue(random: Random, depth = 0): unknown {
  switch (random.below(depth > 3 ? 4 : 7)) {
    case 0:
      return random.pick(NUMBERS)
    case 1:
    case 2:
      return random.pick(TEXTS)
    case 3:
      return random.pick([null, true, false])
    case 4:
      return Array.from({ length: random.below(4) }, () => hostileValue(random, depth + 1))
    case 5:
      return Object.fromEntries(Array.from({ length: random.below(4) }, () => [random.pick(NAMES) ?? '', hostileValue(random, depth + 1)]))
    default:
      return nested(random.pick([3, 60, 63, 64, 65, 200, 2_000]) ?? 3, random.chance(0.5))
  }
}

function nested(levels: number, inObjects: boolean): unknown {
  let value: unknown = 1
  for (let level = 0; level < levels; level++) value = inObjects ? { a: value } : [value]
  return value
}

/** Changes one place of a tree: another value, a name less, more or twice. */
export function mutateValue(value: unknown, random: Random): unknown {
  if (typeof value !== 'object' || value === null || random.chance(0.12)) return changedLeaf(value, random)
  if (Array.isArray(value)) {
    const items: unknown[] = [...(value as unknown[])]
    const at = random.below(items.length + 1)
    const kind = random.next()
    if (kind < 0.3) items.splice(at, 0, hostileValue(random))
    else if (kind < 0.5) items.splice(at, 1)
    else if (at < items.length) items[at] = mutateValue(items[at], random)
    return items
  }
  const fields = Object.entries(value)
  const at = random.below(fields.length)
  const [name = '', old] = fields[at] ?? []
  const kind = random.next()
  if (kind < 0.15) fields.splice(at, 1)
  else if (kind < 0.3) fields.push([random.pick(NAMES) ?? '', hostileValue(random)])
  else fields[at] = [random.chance(0.05) ? name.toUpperCase() : name, mutateValue(old, random)]
  return Object.fromEntries(fields)
}

function changedLeaf(leaf: unknown, random: Random): unknown {
  if (typeof leaf === 'number' && random.chance(0.5)) return leaf + random.below(5) - 2
  if (typeof leaf === 'string' && leaf !== '' && random.chance(0.6)) return mutateText(leaf, random)
  return hostileValue(random)
}

/** Cuts, repeats, inserts or replaces a part. */
export function mutateText(text: string, random: Random): string {
  const at = random.below(text.length + 1)
  const end = Math.min(text.length, at + 1 + random.below(8))
  switch (random.below(6)) {
    case 0:
      return text.slice(0, at)
    case 1:
      return text.slice(0, at) + text.slice(end)
    case 2:
      return text.slice(0, end) + text.slice(at)
    case 3:
      return text.slice(0, at) + (random.pick(TEXTS) ?? '') + text.slice(at)
    default:
      return text.slice(0, at) + String.fromCharCode(33 + random.below(94)) + text.slice(at + 1)
  }
}

/** JSON text of a value, now and then with what only a text can have: names twice, odd numbers, white space, an end that is missing. */
export function hostileJson(value: unknown, random: Random): string {
  const text = JSON.stringify(value) ?? 'null'
  switch (random.below(14)) {
    case 0:
      return mutateText(text, random)
    case 1:
      return text.replace(/"(\w+)":/, (name) => `${name}${JSON.stringify(hostileValue(random) ?? null)},${name}`)
    case 2:
      return text.replace(/[0-9]+/, () => random.pick(['1e999', '-0', '00', '1.0', '9'.repeat(400), '1e-999']) ?? '')
    case 3:
      return ` \n\t${text}\u00a0`
    case 4:
      return '['.repeat(random.pick([100, 10_000, 40_000]) ?? 100)
    case 5:
      return text.replace(/"/, () => random.pick(['"\\ud800', '"\\u0000', "'"]) ?? '"')
    default:
      return text
  }
}

/** Flips, cuts, repeats and inserts bytes. */
export function mutateBytes(bytes: Uint8Array, random: Random): Buffer {
  let copy = Buffer.from(bytes)
  for (let times = 1 + random.below(3); times > 0; times--) {
    const at = random.below(copy.length)
    const end = Math.min(copy.length, at + 1 + random.below(16))
    switch (random.below(5)) {
      case 0:
        copy = copy.subarray(0, at)
        break
      case 1:
        copy = Buffer.concat([copy.subarray(0, end), copy.subarray(at)])
        break
      case 2:
        copy = Buffer.concat([copy.subarray(0, at), Buffer.from([random.below(256), 0, 255].slice(random.below(3))), copy.subarray(at)])
        break
      default:
        if (copy.length > 0) copy[at] = random.below(256)
    }
  }
  return copy
}
