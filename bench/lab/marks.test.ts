import { expect, test } from 'vitest'
import { MarkReader, payload } from './marks.ts'

function read(chunks: readonly Buffer[]): number[] {
  const found: number[] = []
  const reader = new MarkReader((n) => found.push(n))
  for (const chunk of chunks) reader.read(chunk)
  return found
}

const stream = Buffer.from(`head ${payload(7, 40)} between ${payload(12_345_678, 12)}${payload(0, 20)} tail`)

test('a payload has the bytes that were asked for', () => {
  expect(Buffer.byteLength(payload(3, 1_024))).toBe(1_024)
})

test.each([1, 2, 3, 5, 11, 12, 13, 20, 1_000])('every number is found once in chunks of %i bytes', (size) => {
  const chunks = Array.from({ length: Math.ceil(stream.length / size) }, (_, i) => stream.subarray(i * size, (i + 1) * size))
  expect(read(chunks)).toEqual([7, 12_345_678, 0])
})

test('every number is found once wherever the bytes are cut in two', () => {
  for (let at = 0; at <= stream.length; at++) expect(read([stream.subarray(0, at), stream.subarray(at)])).toEqual([7, 12_345_678, 0])
})

test('a mark that was changed on its way is not taken for a number', () => {
  expect(() => read([Buffer.from('<m:00000001x more')])).toThrow('broken')
})
