import { randomBytes } from 'node:crypto'
import type { Socket } from 'node:net'
import { Greeting, open } from './socket.ts'

/**
 * Opens a WebSocket of which what comes is given on as bytes, frames and all: servers send text as it is.
 * @param first frames that are sent at once, each with what has to be answered before the next
 */
export async function openWebSocket(
  { port, path, first }: { port: number; path: string; first: readonly { send?: string; awaits: string }[] },
  reader: (bytes: Buffer) => void,
): Promise<Socket> {
  let then = reader
  let read: (bytes: Buffer) => void = () => undefined
  const step = (awaits: string): Greeting => {
    const greeting = new Greeting(
      (text) => text.includes(awaits),
      (bytes) => then(bytes),
    )
    read = greeting.read
    return greeting
  }
  const upgraded = step('\r\n\r\n')
  const socket = await open(port, (bytes) => read(bytes))
  const key = randomBytes(16).toString('base64')
  const headers = `host: bench\r\nupgrade: websocket\r\nconnection: Upgrade\r\nsec-websocket-key: ${key}\r\nsec-websocket-version: 13`
  let early = ''
  then = (bytes) => {
    early += bytes.toString('latin1')
  }
  socket.write(`GET ${path} HTTP/1.1\r\n${headers}\r\n\r\n`)
  early += (await upgraded.over()).split('\r\n\r\n').slice(1).join('\r\n\r\n')
  for (const { send, awaits } of first) {
    const isThere = send === undefined && early.includes(awaits)
    if (isThere) continue
    const answered = step(awaits)
    if (send !== undefined) socket.write(textFrame(send))
    await answered.over()
  }
  then = reader
  return socket
}

/** A text frame of a client; its mask is zero, which costs the server as much as any other. */
export function textFrame(text: string): Buffer {
  const body = Buffer.from(text)
  const head = body.length < 126 ? Buffer.from([0x81, 0x80 | body.length]) : Buffer.from([0x81, 0xfe, body.length >> 8, body.length & 255])
  return Buffer.concat([head, Buffer.alloc(4), body])
}
