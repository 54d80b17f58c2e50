import { createServer, type RequestListener, type Server } from 'node:http'
import { createSecureServer, createServer as createHttp2Server, type ServerHttp2Session } from 'node:http2'
import type { Socket } from 'node:net'

/** Windows that let a peer or client send at full speed over a long way. */
const STREAM_WINDOW_BYTES = 1_048_576
const SESSION_WINDOW_BYTES = 8_388_608
const HTTP2_SETTINGS = { initialWindowSize: STREAM_WINDOW_BYTES, maxConcurrentStreams: 1_000 }
/** Enough to tell `PRI * HTTP/2.0` from every HTTP/1.1 method. */
const PREFACE = Buffer.from('PRI')
const FIRST_BYTES_TIMEOUT_MS = 10_000

export interface TlsFiles {
  cert: Buffer
  key: Buffer
}

/** A listening port for HTTP/1.1 and HTTP/2. */
export interface Listener {
  /** Fastify's server. Typed as HTTP/1.1, which HTTP/2's compatibility layer imitates. */
  server: Server
  /** Says goodbye on HTTP/2 sessions: no new streams on them. */
  closeSessions(): void
  /** Cuts off every connection. */
  destroyConnections(): void
}

export interface ListenerOptions {
  tls: TlsFiles | undefined
  /** Milliseconds after which a connection is cut on which nothing was sent or received. */
  idleTimeoutMs: number
}

/** With TLS the client chooses by ALPN, without it by its first bytes. */
export function createListener(handler: RequestListener, { tls, idleTimeoutMs }: ListenerOptions): Listener {
  const sockets = new Set<Socket>()
  const sessions = new Set<ServerHttp2Session>()
  const trackSocket = (socket: Socket): void => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  }
  const trackSession = (session: ServerHttp2Session): void => {
    sessions.add(session)
    session.setLocalWindowSize(SESSION_WINDOW_BYTES)
    session.setTimeout(idleTimeoutMs, () => session.destroy())
    session.once('close', () => sessions.delete(session))
  }
  const server = tls ? createTlsServer(handler, tls, trackSession) : createPlainServer(handler, trackSession)
  server.on('connection', trackSocket)
  server.timeout = idleTimeoutMs
  return {
    server,
    closeSessions: () => {
      for (const session of sessions) session.close()
    },
    destroyConnections: () => {
      for (const session of sessions) session.destroy()
      for (const socket of sockets) socket.destroy()
    },
  }
}

type OnSession = (session: ServerHttp2Session) => void

function createTlsServer(handler: RequestListener, { cert, key }: TlsFiles, onSession: OnSession): Server {
  const server = createSecureServer({ cert, key, allowHTTP1: true, settings: HTTP2_SETTINGS })
  server.on('request', handler as never)
  server.on('session', onSession)
  return server as unknown as Server
}

function createPlainServer(handler: RequestListener, onSession: OnSession): Server {
  const http2 = createHttp2Server({ settings: HTTP2_SETTINGS })
  http2.on('request', handler as never)
  http2.on('session', onSession)
  const http1 = createServer(handler)
  const acceptHttp1 = http1.listeners('connection') as ((this: Server, socket: Socket) => void)[]
  http1.removeAllListeners('connection')
  http1.on('connection', (socket: Socket) => {
    sniff(socket, (isHttp2) => {
      if (isHttp2) http2.emit('connection', socket)
      else for (const accept of acceptHttp1) accept.call(http1, socket)
    })
  })
  return http1
}

/** Reads as much of a connection as it takes to tell the version, and puts it back. */
function sniff(socket: Socket, decide: (isHttp2: boolean) => void): void {
  let head = Buffer.alloc(0)
  const giveUp = (): void => {
    socket.destroy()
  }
  const onReadable = (): void => {
    const chunk = socket.read() as Buffer | null
    if (!chunk) return
    head = Buffer.concat([head, chunk])
    const start = head.subarray(0, PREFACE.length)
    const undecided = start.length < PREFACE.length && PREFACE.subarray(0, start.length).equals(start)
    if (undecided) return
    socket.setTimeout(0)
    socket.off('readable', onReadable).off('timeout', giveUp).off('error', giveUp).off('end', giveUp)
    socket.unshift(head)
    decide(start.equals(PREFACE))
  }
  socket.setTimeout(FIRST_BYTES_TIMEOUT_MS)
  socket.on('readable', onReadable).on('timeout', giveUp).on('error', giveUp).on('end', giveUp)
}
