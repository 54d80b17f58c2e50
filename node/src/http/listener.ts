import { randomBytes } from 'node:crypto'
import { createServer, type RequestListener, type Server } from 'node:http'
import { createSecureServer, createServer as createHttp2Server, type ServerHttp2Session } from 'node:http2'
import type { Socket } from 'node:net'
import type { AtOnce } from '../limits/config.ts'
import type { Certificates } from '../tls/port.ts'
import { Connections } from './connections.ts'
import { boundPipelines, heedExpectations, refuseConnect } from './http1.ts'
import { guardSession } from './http2-guard.ts'
import type { HttpLimits } from './limits.ts'

/** Windows that let a peer or client send at full speed over a long way. */
const STREAM_WINDOW_BYTES = 1_048_576
const SESSION_WINDOW_BYTES = 2_097_152
const MAX_HEADERS = 100
/** Headers that are larger than they may be, but not by much, are answered on their stream; larger ones end it. */
const HEADER_ROOM = 2
/** Enough to tell `PRI * HTTP/2.0` from every HTTP/1.1 method. */
const PREFACE = Buffer.from('PRI')
const FIRST_BYTES_TIMEOUT_MS = 10_000
/** What is not authenticated encryption with keys of one session alone is not spoken. */
const CIPHERS = [
  'TLS_AES_128_GCM_SHA256',
  'TLS_AES_256_GCM_SHA384',
  'TLS_CHACHA20_POLY1305_SHA256',
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-CHACHA20-POLY1305',
  'ECDHE-RSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES256-GCM-SHA384',
  'ECDHE-RSA-CHACHA20-POLY1305',
].join(':')
/** For so long a key opens tickets of sessions. */
const TICKET_KEYS_MS = 3_600_000
const TICKET_KEYS_BYTES = 48

/** A listening port for HTTP/1.1 and HTTP/2. */
export interface Listener {
  /** Fastify's server. Typed as HTTP/1.1, which HTTP/2's compatibility layer imitates. */
  server: Server
  connections: Connections
  /** Says goodbye on HTTP/2 sessions: no new streams on them. */
  closeSessions(): void
  /** Cuts off every connection. */
  destroyConnections(): void
}

export interface ListenerOptions {
  tls: Certificates | undefined
  limits: HttpLimits
  connections: AtOnce
  /** Addresses and networks of proxies. */
  trustProxy: readonly string[]
}

/** With TLS the client chooses by ALPN, without it by its first bytes. */
export function createListener(handler: RequestListener, { tls, limits, connections, trustProxy }: ListenerOptions): Listener {
  const sessions = new Set<ServerHttp2Session>()
  const onSession = (session: ServerHttp2Session): void => {
    sessions.add(session)
    guardSession(session, limits.controlFrames)
    session.setLocalWindowSize(SESSION_WINDOW_BYTES)
    session.setTimeout(limits.idleTimeoutMs, () => session.destroy())
    session.once('close', () => sessions.delete(session))
  }
  const options = { handler: boundPipelines(handler, limits.pipelined), limits, onSession }
  const server = tls ? createTlsServer(tls, options) : createPlainServer(options)
  const taken = new Connections({ ...connections, trusted: trustProxy, plain: tls === undefined })
  taken.guard(server)
  server.on('connect', refuseConnect)
  server.timeout = limits.idleTimeoutMs
  server.keepAliveTimeout = limits.idleTimeoutMs
  return {
    server,
    connections: taken,
    closeSessions: () => {
      for (const session of sessions) session.close()
    },
    destroyConnections: () => {
      for (const session of sessions) session.destroy()
      taken.destroy()
    },
  }
}

interface ServerOptions {
  handler: RequestListener
  limits: HttpLimits
  onSession: (session: ServerHttp2Session) => void
}

function createTlsServer(certificates: Certificates, { handler, limits, onSession }: ServerOptions): Server {
  const contextOf = ({ cert, key }: { cert: Buffer; key: Buffer }) => ({ cert, key, minVersion: 'TLSv1.2', ciphers: CIPHERS }) as const
  const context = contextOf(certificates.current)
  const server = createSecureServer({ ...context, allowHTTP1: true, ...http1Options(limits), ...http2Options(limits) })
  // Connections that are there keep the keys that they have agreed on.
  const stopFollowing = certificates.onChange((next) => server.setSecureContext(contextOf(next)))
  const ticketKeys = setInterval(() => server.setTicketKeys(randomBytes(TICKET_KEYS_BYTES)), TICKET_KEYS_MS).unref()
  server.once('close', () => {
    stopFollowing()
    clearInterval(ticketKeys)
  })
  server.on('request', handler as never)
  heedExpectations(server as unknown as Server, handler)
  server.on('session', onSession)
  return server as unknown as Server
}

function createPlainServer({ handler, limits, onSession }: ServerOptions): Server {
  const http2 = createHttp2Server(http2Options(limits))
  http2.on('request', handler as never)
  http2.on('session', onSession)
  http2.on('connect', refuseConnect as never)
  const http1 = createServer(http1Options(limits), handler)
  heedExpectations(http1, handler)
  const acceptHttp1 = http1.listeners('connection') as ((this: Server, socket: Socket) => void)[]
  http1.removeAllListeners('connection')
  http1.on('connection', (socket: Socket) => {
    sniff(socket, (isHttp2) => {
      if (isHttp2) {
        // An end that came with the first bytes is not seen by the session.
        socket.once('end', () => socket.destroy())
        http2.emit('connection', socket)
      } else for (const accept of acceptHttp1) accept.call(http1, socket)
    })
  })
  return http1
}

function http1Options({ headerBytes, headTimeoutMs, bodyTimeoutMs }: HttpLimits) {
  return {
    maxHeaderSize: headerBytes,
    // Answered with a problem instead.
    requireHostHeader: false,
    headersTimeout: headTimeoutMs,
    // The time of the body alone is limited for each request.
    requestTimeout: headTimeoutMs + 2 * bodyTimeoutMs,
    connectionsCheckingInterval: Math.ceil(headTimeoutMs / 4),
  }
}

function http2Options({ headerBytes, controlFrames }: HttpLimits) {
  return {
    settings: {
      initialWindowSize: STREAM_WINDOW_BYTES,
      maxConcurrentStreams: 1_000,
      maxHeaderListSize: HEADER_ROOM * headerBytes,
      enableConnectProtocol: false,
    },
    maxHeaderListPairs: MAX_HEADERS,
    streamResetBurst: controlFrames.burst,
    streamResetRate: controlFrames.perSecond,
  }
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
