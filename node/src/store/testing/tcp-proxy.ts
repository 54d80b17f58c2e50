import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'

/** A TCP relay to a port of the loopback interface, for breaking connections at a chosen moment. */
export interface TcpProxy {
  readonly port: number
  /** From now on answers are kept back: resolves when the first one has arrived here. */
  withholdAnswers(): Promise<void>
  /** Cuts all connections; new ones work again. */
  cut(): void
  close(): Promise<void>
}

export async function startTcpProxy(target: number): Promise<TcpProxy> {
  const sockets = new Set<Socket>()
  let onAnswer: (() => void) | undefined
  const server = createServer((client) => {
    const upstream = connect(target, '127.0.0.1')
    for (const socket of [client, upstream]) {
      sockets.add(socket)
      // Cutting is the purpose; the other side is told by its own close.
      socket.on('error', () => undefined)
      socket.on('close', () => {
        sockets.delete(socket)
        client.destroy()
        upstream.destroy()
      })
    }
    client.pipe(upstream)
    upstream.on('data', (data) => {
      if (onAnswer) onAnswer()
      else client.write(data)
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  return {
    port: address.port,
    withholdAnswers: () =>
      new Promise((resolve) => {
        onAnswer = resolve
      }),
    cut() {
      onAnswer = undefined
      for (const socket of sockets) socket.destroy()
    },
    async close() {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}
