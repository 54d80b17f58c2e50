import { type ClientHttp2Session, type ClientHttp2Stream, connect, constants } from 'node:http2'
import type { Duplex } from 'node:stream'
import type { TLSSocket } from 'node:tls'
import { CHANNEL_BINDING, LinkError } from '@dred/protocol/relay'

export const PEER_PATH = '/peer'
const CONTENT_TYPE = 'application/vnd.dred.peer'
const REQUEST = { ':method': 'POST', ':path': PEER_PATH, 'content-type': CONTENT_TYPE }
/** Milliseconds for a connection to end in order. */
const CLOSING_MS = 250
/** The default of 64 KiB would allow 0.3 MB/s on a link of 200 ms. */
const WINDOW_BYTES = 8 * 1024 * 1024

/**
 * Opens a full-duplex stream to a peer.
 * @param endpoint https origin, or http on this machine
 * @throws LinkError `disconnected` when it cannot be reached, does not answer with 200, or `signal` is aborted first
 */
export async function dial(endpoint: string, { signal, ca }: { signal: AbortSignal; ca?: string | string[] }): Promise<Duplex> {
  const session = connect(endpoint, {
    settings: { initialWindowSize: WINDOW_BYTES, enablePush: false },
    ...(ca === undefined ? {} : { ca }),
  })
  try {
    const stream = await opened(session, signal)
    stream.once('close', () => end(session))
    return stream
  } catch (error) {
    session.destroy()
    throw error
  }
}

/** Opens a second stream in the session of a dialled one; undefined when that has ended. */
export function openSecond(stream: Duplex): Duplex | undefined {
  const { session } = stream as Partial<ClientHttp2Stream>
  if (!session || session.closed || session.destroyed) return undefined
  return (session as ClientHttp2Session).request(REQUEST, { endStream: false })
}

/** The session of an accepted stream; undefined when it has ended. */
export function sessionOf(stream: Duplex): object | undefined {
  return (stream as Http2Part).session
}

/** Whether two accepted streams are of one session. */
export function sameSession(one: Duplex, other: Duplex): boolean {
  return sessionOf(one) === sessionOf(other)
}

/** Lets the last frame out. */
function end(session: ClientHttp2Session): void {
  const timer = setTimeout(() => session.destroy(), CLOSING_MS)
  session.close(() => clearTimeout(timer))
}

function opened(session: ClientHttp2Session, signal: AbortSignal): Promise<ClientHttp2Stream> {
  return new Promise((resolve, reject) => {
    const fail = (detail: string) => (error?: unknown) => reject(new LinkError('disconnected', detail, error))
    if (signal.aborted) fail('Dialling was given up')()
    signal.addEventListener('abort', fail('Dialling took too long or was given up'), { once: true })
    session.on('error', fail('The peer cannot be reached'))
    session.once('close', fail('The peer closed the connection'))
    // It may have been destroyed between.
    session.once('connect', () => session.destroyed || session.setLocalWindowSize(WINDOW_BYTES))
    const stream = session.request(REQUEST, { endStream: false })
    stream.on('error', fail('The peer broke the stream off'))
    stream.once('close', fail('The peer closed the stream'))
    stream.once('response', ({ ':status': status }) => {
      if (status === constants.HTTP_STATUS_OK) resolve(stream)
      else fail(`The peer answered with status ${status}`)()
    })
  })
}

/** The parts of a stream of node:http2 that are needed here; streams of tests may lack them. */
interface Http2Part {
  session?:
    | {
        encrypted?: boolean
        destroyed?: boolean
        socket: { remoteAddress?: string | undefined }
        setLocalWindowSize(bytes: number): void
        settings(settings: object): void
      }
    | undefined
  headersSent?: boolean
  respond?(headers: object): void
}

/** Where the peer's connection comes from. */
export function addressOf(stream: Duplex): string {
  return (stream as Http2Part).session?.socket.remoteAddress ?? ''
}

/** Opens the way back to a peer, unless it has left already. */
export function answer(stream: Duplex): void {
  const part = stream as Http2Part
  if (part.headersSent === false && !stream.closed && !stream.destroyed)
    part.respond?.({ ':status': constants.HTTP_STATUS_OK, 'content-type': CONTENT_TYPE })
}

/** Gives an accepted peer the window that the dialler gives. */
export function widenWindow(stream: Duplex): void {
  const { session } = stream as Http2Part
  if (!session || session.destroyed === true) return
  session.setLocalWindowSize(WINDOW_BYTES)
  session.settings({ initialWindowSize: WINDOW_BYTES })
}

/** What both ends of one TLS session know and nobody between two of them: empty without TLS. */
export function channelBinding(stream: Duplex): Uint8Array {
  const { session } = stream as Http2Part
  if (session?.encrypted !== true) return new Uint8Array()
  const { label, bytes } = CHANNEL_BINDING
  return (session.socket as unknown as TLSSocket).exportKeyingMaterial(bytes, label, Buffer.alloc(0))
}
