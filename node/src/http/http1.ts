import type { IncomingMessage, RequestListener, Server } from 'node:http'
import { Http2ServerResponse } from 'node:http2'
import type { Socket } from 'node:net'
import { rawProblem } from './errors.ts'

/** Cuts an HTTP/1.1 connection on which more requests come than are answered: nobody who is honest sends them ahead of the answers. */
export function boundPipelines(handler: RequestListener, most: number): RequestListener {
  const open = new WeakMap<Socket, number>()
  return (request, response) => {
    const { socket, httpVersionMajor } = request
    if (httpVersionMajor === 1) {
      const count = (open.get(socket) ?? 0) + 1
      if (count > most) {
        socket.destroy()
        return
      }
      open.set(socket, count)
      response.once('close', () => open.set(socket, (open.get(socket) ?? 1) - 1))
    }
    handler(request, response)
  }
}

/**
 * What a client expects beside an answer: leave to send its body, which it gets when its answer is the next one; for nothing else. Node
 * would write that leave between head and body of an answer that waits for its turn, and refuse other expectations by itself.
 */
export function heedExpectations(server: Pick<Server, 'on'>, handler: RequestListener): void {
  server.on('checkContinue', (request, response) => {
    if (response.socket) response.writeContinue()
    handler(request, response)
  })
  server.on('checkExpectation', handler)
}

/** A relay server is nobody's proxy. */
export function refuseConnect(_request: IncomingMessage, to: Socket | Http2ServerResponse): void {
  if (to instanceof Http2ServerResponse) {
    to.writeHead(405)
    to.end()
    return
  }
  to.on('error', () => to.destroy())
  to.end(rawProblem('method_not_allowed', 'This server is no proxy'))
}
