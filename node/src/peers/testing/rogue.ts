import { randomBytes } from 'node:crypto'
import { type ClientHttp2Session, connect } from 'node:http2'
import type { Duplex } from 'node:stream'
import { encodeFrame, FrameReader, type Handshake, handshakeBytes, RELAY_VERSION, type RelayFrame, relayLimits } from '@dred/protocol/relay'
import type { ServerKey } from '../../chain/server-key.ts'
import type { Cluster } from './cluster.ts'

type Hello = Extract<RelayFrame, { type: 'HELLO' }>

/** A peer that says what a test wants it to say, and hears everything. */
export class Rogue {
  readonly stream: Duplex
  readonly heard: RelayFrame[] = []
  /** How many PONGs came. */
  pongs = 0
  /** Whether PINGs are answered without further ado. */
  answersPings = true
  readonly ended: Promise<void>
  readonly #session: ClientHttp2Session | undefined
  #wake: (() => void)[] = []
  #closed = false

  constructor(stream: Duplex, session?: ClientHttp2Session) {
    this.stream = stream
    this.#session = session
    const reader = new FrameReader(relayLimits.frameBytes)
    stream.on('data', (chunk: Buffer) => {
      for (const frame of reader.read(chunk)) {
        this.heard.push(frame)
        if (frame.type === 'PONG') this.pongs++
        if (frame.type === 'PING' && this.answersPings) this.send({ type: 'PONG', at: frame.at })
      }
      this.#notify()
    })
    stream.on('error', () => undefined)
    this.ended = new Promise((resolve) => {
      stream.once('close', () => {
        this.#closed = true
        this.#notify()
        resolve()
      })
    })
  }

  static async dial(endpoint: string, options: { ca?: string } = {}): Promise<Rogue> {
    const session = connect(endpoint, options)
    session.on('error', () => undefined)
    return new Rogue(await opened(session), session)
  }

  /** Opens another stream in the same session. */
  async another(): Promise<Rogue> {
    if (!this.#session) throw new Error('It was not dialled from here')
    return new Rogue(await opened(this.#session))
  }

  send(frame: RelayFrame): void {
    this.stream.write(encodeFrame(frame))
  }

  /** The next frame of one of the types, from the beginning; frames before it are dropped. Rejects when the stream ends without one. */
  async next<T extends RelayFrame['type']>(...types: T[]): Promise<Extract<RelayFrame, { type: T }>> {
    for (;;) {
      const at = this.heard.findIndex(({ type }) => (types as string[]).includes(type))
      const [frame] = at === -1 ? [] : this.heard.splice(0, at + 1).slice(-1)
      if (frame) return frame as Extract<RelayFrame, { type: T }>
      if (this.#closed) throw new Error(`The stream ended without ${types.join(' or ')}`)
      await new Promise<void>((resolve) => this.#wake.push(resolve))
    }
  }

  /** The code with which the server ends the link. */
  async refusal(): Promise<string> {
    const { code } = await this.next('BYE')
    await this.ended
    return code
  }

  /** Introduces itself as one of the cluster's servers. @returns the handshake and the signature that closed it */
  async introduce(
    cluster: Pick<Cluster, 'registry'>,
    who: { from: number; to: number; key: Pick<ServerKey, 'sign'> },
    changes: Partial<Hello> = {},
  ) {
    const hello = helloOf(cluster, who, changes)
    this.send(hello)
    const welcome = await this.next('WELCOME')
    const handshake: Handshake = {
      chainId: hello.chainId,
      serverRegistry: hello.serverRegistry,
      neighborhood: hello.neighborhood,
      dialler: who.from,
      acceptor: who.to,
      diallerNonce: hello.nonce,
      acceptorNonce: welcome.nonce,
      channelBinding: new Uint8Array(),
    }
    const signature = await who.key.sign(handshakeBytes('dialler', handshake))
    this.send({ type: 'AUTH', signature })
    return { hello, handshake, signature }
  }

  /** Introduces itself, waits until it is believed and says what a server says first. @returns what opens the second stream */
  async join(
    cluster: Pick<Cluster, 'registry'>,
    who: { from: number; to: number; key: Pick<ServerKey, 'sign'>; incarnation?: number },
  ): Promise<Uint8Array> {
    await this.introduce(cluster, who)
    const { token } = await this.next('TOKEN')
    this.send({ type: 'STATE', incarnation: who.incarnation ?? 1, epoch: 0, joining: false, credit: 4_194_304 })
    await this.next('STATE')
    return token
  }

  close(): void {
    this.stream.destroy()
    this.#session?.destroy()
  }

  #notify(): void {
    for (const wake of this.#wake.splice(0)) wake()
  }
}

async function opened(session: ClientHttp2Session): Promise<Duplex> {
  const stream = session.request({ ':method': 'POST', ':path': '/peer' }, { endStream: false })
  await new Promise((resolve, reject) => {
    stream.once('response', resolve)
    stream.once('error', reject)
  })
  return stream
}

export function helloOf(
  { registry }: Pick<Cluster, 'registry'>,
  { from, to }: { from: number; to: number },
  changes: Partial<Hello> = {},
): Hello {
  const { chainId, serverRegistry, neighborhood } = registry
  const nonce = randomBytes(relayLimits.nonceBytes)
  return { type: 'HELLO', version: RELAY_VERSION, chainId, serverRegistry, neighborhood, from, to, nonce, ...changes }
}
