import { DredClientError } from '../errors.ts'

/** Longest line that is read: a delivered message of the largest size with the largest cursor has less. */
const MAX_LINE_LENGTH = 262_144

/**
 * The lines of an NDJSON body. What follows the last newline is never handed out: a stream that is cut there has not said it.
 * @param readChunk one read of the body; the caller puts its watchdog around it
 * @throws DredClientError `invalid_response` for an endless line
 */
export async function* ndjsonLines(readChunk: () => Promise<Uint8Array | undefined>): AsyncGenerator<string, void, undefined> {
  const decoder = new TextDecoder()
  let rest = ''
  for (let chunk = await readChunk(); chunk !== undefined; chunk = await readChunk()) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n')
    rest = lines.pop() ?? ''
    if (rest.length > MAX_LINE_LENGTH) throw new DredClientError('invalid_response', { detail: 'A line of the stream has no end' })
    for (const line of lines) if (line.trim() !== '') yield line
  }
}
