import { DredClientError } from '../errors.ts'

/** Longest line that is read: a delivered message of the largest size with the largest cursor has less. */
const MAX_LINE_LENGTH = 262_144

/**
 * The lines of an NDJSON body. What follows the last newline is never handed out: a stream that is cut there has not said it.
 * @param readChunk one read of the body; the caller puts its watchdog around it
 * @throws DredClientError `invalid_response` for a line that is too long
 */
export async function* ndjsonLines(readChunk: () => Promise<Uint8Array | undefined>): AsyncGenerator<string, void, undefined> {
  const decoder = new TextDecoder()
  let rest = ''
  for (let chunk = await readChunk(); chunk !== undefined; chunk = await readChunk()) {
    const pieces = decoder.decode(chunk, { stream: true }).split('\n')
    for (const [index, piece] of pieces.entries()) {
      rest += piece
      if (rest.length > MAX_LINE_LENGTH) throw new DredClientError('invalid_response', { detail: 'A line of the stream is too long' })
      if (index === pieces.length - 1) break
      if (rest.trim() !== '') yield rest
      rest = ''
    }
  }
}
