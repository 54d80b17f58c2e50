import { constants, type ServerHttp2Session } from 'node:http2'
import { type Rate, TokenBucket } from '../limits/token-bucket.ts'

/**
 * Cuts a session whose client sends more PING and SETTINGS frames than anybody needs: each is answered, and costs the client less than
 * the server. (Streams that are opened and reset are counted by Node itself.)
 */
export function guardSession(session: ServerHttp2Session, rate: Rate): void {
  const frames = new TokenBucket(rate, performance.now())
  const count = (): void => {
    if (!frames.take(rate, 1, performance.now()) && !session.destroyed) session.destroy(undefined, constants.NGHTTP2_ENHANCE_YOUR_CALM)
  }
  session.on('ping', count).on('remoteSettings', count)
}
