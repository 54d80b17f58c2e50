import { createPublicKey, type KeyObject, randomBytes, verify } from 'node:crypto'
import { type Frame, type Handshake, handshakeBytes, LinkError, RELAY_VERSION, relayLimits } from '@dred/protocol/relay'
import { isLowS } from '@dred/protocol/statements'
import type { RegisteredKey, RegisteredServer, RegistryView } from '../chain/port.ts'
import type { ServerKey } from '../chain/server-key.ts'
import { acceptedKeys } from '../chain/standing.ts'
import type { Connection } from './connection.ts'

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
  frames: AsyncGenerator<Frame, void>
  /** Keying material of the TLS session; empty without TLS. */
  channelBinding: Uint8Array
}

/** A peer that has proved who it is. */
export interface ProvenPeer {
  id: number
  /** Of the key that it proved to hold: the link may last as long as that is accepted. */
  keyId: string
}

/**
 * Proves to the peer who this server is, and has it prove that it is the one that was dialled.
 * @throws LinkError why the peer is refused, or refuses
 */
export async function introduce({ server, key, registry }: Identity, peer: number, introduction: Introduction): Promise<ProvenPeer> {
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
  const proven = check(registry, peer, { bytes: handshakeBytes('acceptor', handshake), signature: welcome.signature })
  connection.send({ type: 'AUTH', signature: await key.sign(handshakeBytes('dialler', handshake)) })
  return proven
}

/**
 * Has a peer that dialled prove who it is, and proves to it who this server is.
 * @returns the peer
 * @throws LinkError why the peer is refused, or refuses
 */
export async function welcome({ server, key, registry }: Identity, introduction: Introduction): Promise<ProvenPeer> {
  const { connection, frames, channelBinding } = introduction
  const hello = await expect(frames, 'HELLO')
  const { chainId, serverRegistry, neighborhood } = registry
  if (hello.chainId !== chainId || hello.serverRegistry !== serverRegistry.toLowerCase()) throw new LinkError('wrong_registry')
  if (hello.neighborhood !== neighborhood) throw new LinkError('wrong_neighborhood')
  if (hello.to !== server) throw new LinkError('wrong_server', `This is server ${server}, not ${hello.to}`)
  if (hello.from >= server) throw new LinkError('wrong_turn')
  if (!registry.peer(hello.from)) throw new LinkError('unregistered')
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

async function expect<T extends Frame['type']>(frames: AsyncGenerator<Frame, void>, type: T): Promise<Extract<Frame, { type: T }>> {
  const { value: frame } = await frames.next()
  if (!frame) throw new LinkError('disconnected')
  if (frame.type !== type) throw new LinkError('unexpected_frame', `${frame.type} came where ${type} was expected`)
  return frame as Extract<Frame, { type: T }>
}

/** The peer may have rotated its key a moment ago: any key that speaks for it now will do. */
function check(registry: RegistryView, id: number, { bytes, signature }: { bytes: Uint8Array; signature: Uint8Array }): ProvenPeer {
  const peer = registry.peer(id)
  if (!peer) throw new LinkError('unregistered')
  if (!isLowS(signature)) throw new LinkError('invalid_signature')
  const holds = (key: RegisteredKey) => verify('sha256', bytes, { key: publicKeyOf(peer, key), dsaEncoding: 'ieee-p1363' }, signature)
  const key = acceptedKeys(peer, registry.now()).find(holds)
  if (!key) throw new LinkError('invalid_signature')
  return { id, keyId: key.keyId }
}

function publicKeyOf({ id }: RegisteredServer, { keyX, keyY }: RegisteredKey): KeyObject {
  const coordinate = (word: string) => Buffer.from(word.slice(2), 'hex').toString('base64url')
  try {
    return createPublicKey({ format: 'jwk', key: { kty: 'EC', crv: 'P-256', x: coordinate(keyX), y: coordinate(keyY) } })
  } catch (cause) {
    throw new LinkError('invalid_signature', `A registered key of server ${id} is no point of P-256`, cause)
  }
}
