import { ApiProblem } from './problems.ts'

/** Digits enough for a registry id or one of Ponder's event ids. */
const POSITION = /^\d{1,75}$/

/**
 * An opaque cursor: continue the list after the item at `position`.
 * @param list names the list, so that a cursor of another list is refused
 * @param position of the last item, in decimal digits
 */
export function encodeCursor(list: string, position: string): string {
  return Buffer.from(`${list}:${position}`).toString('base64url')
}

/** @throws {ApiProblem} `malformed_cursor` for anything that {@link encodeCursor} did not give for this list */
export function decodeCursor(list: string, cursor: string): string {
  const position = Buffer.from(cursor, 'base64url')
    .toString()
    .slice(list.length + 1)
  if (!POSITION.test(position) || encodeCursor(list, position) !== cursor) throw new ApiProblem('malformed_cursor')
  return position
}
