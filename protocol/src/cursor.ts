import { DredError } from './errors.ts'
import { limits } from './limits.ts'
import { type Origin, originOf, VersionVector } from './version-vector.ts'

/**
 * A cursor is a version vector for one channel, as text: it says what has been delivered and not where that lies in one
 * server's log, so that every server of the neighborhood can go on from it.
 *
 *     1.<first 12 characters of the channel id>.<server>-<incarnation>-<upTo>[-<n beyond>…][~…]      numbers in base 36
 *
 * Clients treat it as opaque.
 */
const VERSION = '1'
const PREFIX_LENGTH = 12

/**
 * Leaves counts beyond the watermarks out, the higher ones first, rather than growing beyond the length of a cursor: who goes on from there
 * may be told again what it was told. Only for hundreds of origins a cursor is too long all the same.
 */
export function encodeCursor(channel: string, seen: VersionVector): string {
  const origins = seen.origins.sort()
  for (let exceptions: number = limits.vectorExceptions; ; exceptions >>= 1) {
    const entries = Object.entries(seen.dataOf(origins, exceptions)).map(([origin, counts]) =>
      [...origin.split('-').map(Number), ...counts].map((number) => number.toString(36)).join('-'),
    )
    const cursor = `${VERSION}.${channel.slice(0, PREFIX_LENGTH)}.${entries.join('~')}`
    if (cursor.length <= limits.cursorLength || exceptions === 0) return cursor
  }
}

/** @throws DredError `malformed_cursor`, `cursor_of_another_channel` */
export function decodeCursor(channel: string, cursor: string): VersionVector {
  const match = /^1\.([A-Za-z0-9_-]{12})\.([0-9a-z~-]*)$/.exec(cursor)
  if (!match || cursor.length > limits.cursorLength) throw new DredError('malformed_cursor')
  if (match[1] !== channel.slice(0, PREFIX_LENGTH)) throw new DredError('cursor_of_another_channel')
  const data: Record<Origin, number[]> = {}
  for (const entry of (match[2] ?? '').split('~').filter((text) => text !== '')) {
    const [server = Number.NaN, incarnation = Number.NaN, ...counts] = entry
      .split('-')
      .map((digits) => (digits === '' ? Number.NaN : Number.parseInt(digits, 36)))
    data[originOf({ server, incarnation })] = counts
  }
  let seen: VersionVector
  try {
    seen = VersionVector.from(data)
  } catch (cause) {
    throw new DredError('malformed_cursor', { cause })
  }
  if (encodeCursor(channel, seen) !== cursor) throw new DredError('malformed_cursor')
  return seen
}
