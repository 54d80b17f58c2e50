// A node of the Streamr Network, its messages unsigned: signing is its client's. Arguments: peer descriptors of the nodes to join by, as JSON.
// Its first line on stdout: {"port", "address"}.
import { registerHooks } from 'node:module'
import { host, until } from './host.mjs'

const noWebRtc = new URL('no-webrtc.cjs', import.meta.url).href
registerHooks({
  resolve: (specifier, context, next) =>
    specifier === 'node-datachannel' ? { url: noWebRtc, shortCircuit: true } : next(specifier, context),
})
const { createNetworkNode, ContentType, EncryptionType, SignatureType } = await import('@streamr/trackerless-network')
const { toStreamPartID, toStreamID } = await import('@streamr/utils')
const { NodeType } = await import('@streamr/dht')

const fromHex = (text) => new Uint8Array(Buffer.from(text, 'hex'))
const entryPoints = process.argv.slice(2).map((text) => {
  const { nodeId, ...rest } = JSON.parse(text)
  return { ...rest, nodeId: fromHex(nodeId) }
})
const port = 20_000 + (process.pid % 20_000)
const nodeId = new Uint8Array(20)
crypto.getRandomValues(nodeId)
const self = { nodeId, type: NodeType.NODEJS, websocket: { host: '127.0.0.1', port, tls: false } }
const node = createNetworkNode({
  layer0: {
    peerDescriptor: self,
    entryPoints: entryPoints.length > 0 ? entryPoints : [self],
    websocketHost: '127.0.0.1',
    websocketPortRange: { min: port, max: port },
    websocketServerEnableTls: false,
    allowIncomingPrivateConnections: true,
  },
  networkNode: {},
})
await node.start()

const partOf = (channel) => toStreamPartID(toStreamID(channel), 0)
const encoder = new TextEncoder()
const publisherId = crypto.getRandomValues(new Uint8Array(20))
const chains = new Map()
let last = 0
let sequenceNumber = 0

const { port: way, deliver } = await host({
  async join(channel) {
    const part = partOf(channel)
    node.setStreamPartEntryPoints(part, entryPoints.length > 0 ? entryPoints : [self])
    await node.join(part)
    await until(() => node.getNeighbors(part).length >= 2)
  },
  async publish(channel, text) {
    const timestamp = Date.now()
    sequenceNumber = timestamp === last ? sequenceNumber + 1 : 0
    last = timestamp
    const previousMessageRef = chains.get(channel)
    chains.set(channel, { timestamp, sequenceNumber })
    await node.broadcast({
      messageId: { streamId: channel, streamPartition: 0, timestamp, sequenceNumber, publisherId, messageChainId: 'bench' },
      ...(previousMessageRef ? { previousMessageRef } : {}),
      signature: new Uint8Array(65),
      signatureType: SignatureType.ECDSA_SECP256K1_EVM,
      body: {
        oneofKind: 'contentMessage',
        contentMessage: { content: encoder.encode(text), contentType: ContentType.JSON, encryptionType: EncryptionType.NONE },
      },
    })
  },
})
const decoder = new TextDecoder()
node.addMessageListener(({ messageId, body }) => deliver(messageId.streamId, decoder.decode(body.contentMessage.content)))
const address = { ...self, nodeId: Buffer.from(nodeId).toString('hex') }
process.stdout.write(`${JSON.stringify({ port: way, address })}\n`)
