import type { ListOf } from './frame-types.ts'
import { relayLimits } from './limits.ts'
import { malformed, type Reader } from './reader.ts'
import type { Item } from './writer.ts'

interface Cover {
  /** Ascending. */
  cover: readonly number[]
  epoch?: number
}

/**
 * A cover as the last items of a MSG: ids; or the epoch and a bitmap in the order of the list that it names, in which server `i`
 * is the bit of value `2^(i mod 8)` of byte `i div 8`.
 */
export function coverItems({ cover, epoch }: Cover, listOf: ListOf | undefined): Item[] {
  if (epoch === undefined || cover.length === 0) return [cover]
  const bitmap = bitmapOf(cover, listOf?.(epoch) ?? [])
  return bitmap ? [epoch, bitmap] : [cover]
}

/** @returns undefined where a server is not on the list */
function bitmapOf(cover: readonly number[], list: readonly number[]): Uint8Array | undefined {
  const bitmap = new Uint8Array(Math.ceil(list.length / 8))
  let found = 0
  let last = 0
  for (let i = 0; i < list.length && found < cover.length; i++) {
    if (list[i] !== cover[found]) continue
    found++
    last = i >> 3
    bitmap[last] = (bitmap[last] ?? 0) | (1 << (i & 7))
  }
  return found === cover.length ? bitmap.subarray(0, last + 1) : undefined
}

/** Without the list that the epoch names, the cover is empty. */
export function readBitmap(reader: Reader, listOf: ListOf | undefined): Required<Cover> {
  const epoch = reader.epoch()
  const bitmap = reader.bytes(1, relayLimits.coverServers / 8)
  if (bitmap.at(-1) === 0) throw malformed('a bitmap that ends with zeros')
  const list = listOf?.(epoch)
  if (!list) return { cover: [], epoch }
  const cover: number[] = []
  for (const [at, byte] of bitmap.entries()) {
    for (let bit = 0; bit < 8; bit++) {
      if ((byte & (1 << bit)) === 0) continue
      const id = list[8 * at + bit]
      if (id === undefined) throw malformed('a bitmap longer than its list')
      cover.push(id)
    }
  }
  return { cover, epoch }
}

export function readIds(reader: Reader): number[] {
  let before = 0
  return reader.list(relayLimits.coverServers, () => {
    const id = reader.server()
    if (id <= before) throw malformed('ids that do not ascend')
    before = id
    return id
  })
}
