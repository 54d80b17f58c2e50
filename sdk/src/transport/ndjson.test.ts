import { expect, it } from 'vitest'
import { ndjsonLines } from './ndjson.ts'

async function linesOf(chunks: Uint8Array[]): Promise<string[]> {
  const rest = [...chunks]
  const lines: string[] = []
  for await (const line of ndjsonLines(() => Promise.resolve(rest.shift()))) lines.push(line)
  return lines
}

it('puts lines together whatever the chunks, characters across them too', async () => {
  const bytes = new TextEncoder().encode('{"a":"é"}\n\n{"b":"🂡"}\n')
  for (let size = 1; size <= bytes.length; size++) {
    const chunks = Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) => bytes.subarray(i * size, (i + 1) * size))
    expect(await linesOf(chunks)).toEqual(['{"a":"é"}', '{"b":"🂡"}'])
  }
})

it('never hands out what has no newline, even when it is whole JSON', async () => {
  expect(await linesOf([new TextEncoder().encode('{"a":1}\n{"b":2}')])).toEqual(['{"a":1}'])
})

it('refuses a line without an end', async () => {
  const endless = new TextEncoder().encode('x'.repeat(100_000))
  await expect(linesOf([endless, endless, endless])).rejects.toMatchObject({ code: 'invalid_response' })
  const long = new TextEncoder().encode(`short\n${'x'.repeat(300_000)}\n`)
  await expect(linesOf([long])).rejects.toMatchObject({ code: 'invalid_response' })
})
