import { connect } from 'node:net'
import type { HttpAnswer } from './judge.ts'
import { Finding } from './target.ts'

const MAX_BYTES = 16_777_216

export interface Patience {
  /** After which the server is taken to be waiting for more, and the connection given up. */
  silentMs: number
  /** Whether it is said that no more bytes come: Node then drops what it has not answered yet. */
  ends: boolean
}

/**
 * Sends bytes on a connection of its own, and reads what is answered until the server hangs up, begins a stream or says nothing for a
 * while.
 * @throws Finding for an answer that is not HTTP/1.1
 */
export function exchange(url: URL, bytes: Uint8Array, { silentMs, ends }: Patience): Promise<HttpAnswer[]> {
  return new Promise((resolve, reject) => {
    const answers: HttpAnswer[] = []
    let buffer: Buffer = Buffer.alloc(0)
    const socket = connect({ host: url.hostname, port: Number(url.port), allowHalfOpen: true })
    const finish = (): void => {
      socket.destroy()
      resolve(answers)
    }
    socket.setTimeout(silentMs, finish)
    socket.on('error', finish).on('end', finish).on('close', finish)
    socket.on('data', (chunk) => {
      buffer = Buffer.concat([buffer, chunk])
      if (buffer.length > MAX_BYTES) return finish()
      try {
        for (;;) {
          const read = readAnswer(buffer)
          if (!read) break
          answers.push(read.answer)
          buffer = buffer.subarray(read.size)
          // Whether the connection ends with it, the server decides.
          if (read.answer.body === undefined || !ends) return finish()
        }
      } catch (error) {
        socket.destroy()
        reject(error as Error)
      }
    })
    if (ends) socket.end(bytes)
    else socket.write(bytes)
  })
}

/** @returns undefined while the answer is not complete */
function readAnswer(buffer: Buffer): { answer: HttpAnswer; size: number } | undefined {
  const end = buffer.indexOf('\r\n\r\n')
  if (end === -1) {
    const start = buffer.subarray(0, 9).toString('latin1')
    if (!'HTTP/1.1 '.startsWith(start) && buffer.length > 0)
      throw new Finding(`An answer that is no HTTP/1.1: ${buffer.subarray(0, 200).toString('latin1')}`)
    return undefined
  }
  const [line = '', ...fields] = buffer.subarray(0, end).toString('latin1').split('\r\n')
  const status = Number(/^HTTP\/1\.1 (\d{3}) /.exec(line)?.[1])
  if (!status) throw new Finding(`An answer that is no HTTP/1.1: ${line.slice(0, 200)}`)
  const headers: Record<string, string> = {}
  for (const field of fields) {
    const [, name, value = ''] = /^([A-Za-z0-9-]+): (.*)$/.exec(field) ?? []
    if (name === undefined) throw new Finding(`A header that is none: ${field.slice(0, 200)}`)
    headers[name.toLowerCase()] = value
  }
  const body = end + 4
  if (status === 100) {
    const final = readAnswer(buffer.subarray(body))
    return final && { ...final, size: final.size + body }
  }
  const length = headers['content-length']
  if (status === 204 || status === 304) return { answer: { status, headers, body: '' }, size: body }
  if (length === undefined) return { answer: { status, headers, body: undefined }, size: buffer.length }
  const size = body + Number(length)
  return buffer.length < size ? undefined : { answer: { status, headers, body: buffer.subarray(body, size).toString('utf8') }, size }
}
