import { randomBytes } from 'node:crypto'
import { type Handshake, handshakeBytes, LinkError, RELAY_VERSION, type RelayFrame, relayLimits } from '@dred/protocol/relay'
import type { RegistryView } from '../chain/port.ts'
import type { ServerKey } from '../chain/server-key.ts'
import { linkedServer } from '../chain/standing.ts'
import type { Connection } from './connection.ts'
import { signerOf } from './peer-keys.ts'

export interface Identity {
  /** Own registry id. */
  server: number
  key: Pick<ServerKey, 'sign'>
  registry: RegistryView
}

/** A connection on which nothing but the handshake has been said. */
export interface Introduction {
  connection: Connection
  /** Of `connection`; the caller goes on with it. */
  frames: AsyncGenerator<RelayFrame, void>
  /** Keying material of the TLS session; empty without TLS. */
  channelBinding: Uint8Array
}

export type Hello = Extract<RelayFrame, { type: 'HELLO' }>

/** A peer that has proved who it is. */
export interface ProvenPeer {
  id: number
  /** Of the key that it proved to hold: the link may last as long as that is accepted. */
  keyId: string
}

/** A peer that was dialled, and what opens the second stream to it. */
export interface DialledPeer extends ProvenPeer {
  token: Uint8Array
}

/**
 * Proves to the peer who this server is, and has it prove that it is the one that was dialled.
 * @returns the peer, once it has taken the link
 * @throws LinkError why the peer is refused, or refuses
 */
export async function introduce({ server, key, registry }: Identity, peer: number, introduction: Introduction): Promise<DialledPeer> {
  const { connection, frames, channelBinding } = introduction
  const { chainId, serverRegistry, neighborhood } = registry
  const diallerNonce = randomBytes(relayLimits.nonceBytes)
  const place = { chainId, serverRegistry: serverRegistry.toLowerCase(), neighborhood }
  connection.send({ type: 'HELLO', version: RELAY_VERSION, ...place, from: server, to: peer, nonce: diallerNonce })
  const welcome = await expect(frames, 'WELCOME')
  if (welcome.from !== peer) throw new LinkError('wrong_server', `Server ${welcome.from} answers at the endpoint of server ${peer}`)
  const handshake: Handshake = {
    ...place,
    dialler: server,
    acceptor: peer,
    diallerNonce,
    acceptorNonce: welcome.nonce,
    channelBinding,
  }
  const proven = await check(registry, peer, { bytes: handshakeBytes('acceptor', handshake), signature: welcome.signature })
  connection.send({ type: 'AUTH', signature: await key.sign(handshakeBytes('dialler', handshake)) })
  const { token } = await expect(frames, 'TOKEN')
  return { ...proven, token }
}

/**
 * Has a peer that dialled prove who it is, and proves to it who this server is.
 * @param hello what it said first
 * @returns the peer
 * @throws LinkError why the peer is refused, or refuses
 */
export async function welcome({ server, key, registry }: Identity, hello: Hello, introduction: Introduction): Promise<ProvenPeer> {
  const { connection, frames, channelBinding } = introduction
  const { chainId, serverRegistry, neighborhood } = registry
  if (hello.chainId !== chainId || hello.serverRegistry !== serverRegistry.toLowerCase()) throw new LinkError('wrong_registry')
  if (hello.neighborhood !== neighborhood) throw new LinkError('wrong_neighborhood')
  if (hello.to !== server) throw new LinkError('wrong_server', `This is server ${server}, not ${hello.to}`)
  if (hello.from >= server) throw new LinkError('wrong_turn')
  if (!linkedServer(registry, hello.from)) throw new LinkError('unregistered')
  const acceptorNonce = randomBytes(relayLimits.nonceBytes)
  const handshake: Handshake = {
    chainId,
    serverRegistry: hello.serverRegistry,
    neighborhood,
    dialler: hello.from,
    acceptor: server,
    diallerNonce: hello.nonce,
    acceptorNonce,
    channelBinding,
  }
  const signature = await key.sign(handshakeBytes('acceptor', handshake))
  connection.send({ type: 'WELCOME', from: server, nonce: acceptorNonce, signature })
  const auth = await expect(frames, 'AUTH')
  return check(registry, hello.from, { bytes: handshakeBytes('dialler', handshake), signature: auth.signature })
}

/** @throws LinkError when it is another frame that comes next, or none */
export async function expect<T extends RelayFrame['type']>(
  frames: AsyncGenerator<RelayFrame, void>,
  ...types: T[]
): Promise<Extract<RelayFrame, { type: T }>> {
  const { value: frame } = await frames.next()
  if (!frame) throw new LinkError('disconnected')
  if (!(types as string[]).includes(frame.type))
    throw new LinkError('unexpected_frame', `${frame.type} came where ${types.join(' or ')} was expected`)
  return frame as Extract<RelayFrame, { type: T }>
}

/** The peer may have rotated its key a moment ago: any key that speaks for it now will do. */
async function check(registry: RegistryView, id: number, signed: { bytes: Uint8Array; signature: Uint8Array }): Promise<ProvenPeer> {
  const peer = linkedServer(registry, id)
  if (!peer) throw new LinkError('unregistered')
  const key = await signerOf(peer, registry.now(), signed)
  if (!key) throw new LinkError('invalid_signature')
  return { id, keyId: key.keyId }
}
