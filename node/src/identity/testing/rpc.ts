import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'

/** What stands between a server and its chain: counts the calls, and may be down. */
export interface CountingRpc {
  url: string
  /** Calls since the start. */
  calls: number
  /** While true no call is answered. */
  down: boolean
  /** Holds back the answers until this resolves. */
  until: Promise<unknown>
  /** Most calls that were under way at once. */
  most: number
  close(): Promise<void>
}

export async function countingRpc(target: string): Promise<CountingRpc> {
  let busy = 0
  const server = createServer((request, response) => {
    rpc.calls++
    rpc.most = Math.max(rpc.most, ++busy)
    if (rpc.down) {
      busy--
      request.socket.destroy()
      return
    }
    void (async () => {
      const body = await read(request)
      await rpc.until
      const answer = await fetch(target, { method: 'POST', headers: { 'content-type': 'application/json' }, body })
      const text = await answer.text()
      // Before the asker can know: it asks again at once.
      busy--
      response.writeHead(answer.status, { 'content-type': 'application/json' }).end(text)
    })()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const rpc: CountingRpc = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    calls: 0,
    down: false,
    until: Promise.resolve(),
    most: 0,
    close: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
  return rpc
}

async function read(request: IncomingMessage): Promise<string> {
  let text = ''
  for await (const chunk of request.setEncoding('utf8')) text += String(chunk)
  return text
}
