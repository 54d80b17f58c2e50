import { expect, test } from 'vitest'
import { decodeCursor, encodeCursor } from './cursor.ts'
import { ApiProblem } from './problems.ts'

test('a cursor leads back to its position', () => {
  expect(decodeCursor('servers/1/active', encodeCursor('servers/1/active', '42'))).toBe('42')
})

test.each([
  ['of another list', encodeCursor('servers/2/active', '42')],
  ['of a list with a longer name', encodeCursor('servers/1/active/x', '42')],
  ['empty', ''],
  ['without a position', encodeCursor('servers/1/active', '')],
  ['with a position that is no number', encodeCursor('servers/1/active', '4x2')],
  ['with a position too long', encodeCursor('servers/1/active', '1'.repeat(76))],
  ['with padding', `${encodeCursor('servers/1/active', '42')}=`],
  ['with characters that are skipped in decoding', ` ${encodeCursor('servers/1/active', '42')}`],
])('refuses a cursor %s', (_, cursor) => {
  expect(() => decodeCursor('servers/1/active', cursor)).toThrow(
    expect.objectContaining({ name: ApiProblem.name, code: 'malformed_cursor' }),
  )
})
