// A libp2p node with gossipsub, messages signed and signatures checked (its default). Arguments: the addresses of nodes to connect to.
// Its first line on stdout: {"port", "address"}.
import { gossipsub } from '@libp2p/gossipsub'
import { identify } from '@libp2p/identify'
import { noise } from '@libp2p/noise'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import { host, until } from './host.mjs'

const others = process.argv.slice(2)
const node = await createLibp2p({
  addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
  transports: [tcp()],
  connectionEncrypters: [noise()],
  streamMuxers: [yamux()],
  services: { identify: identify(), pubsub: gossipsub({ allowPublishToZeroTopicPeers: true }) },
})
for (const address of others) await node.dial(multiaddr(address))
const { pubsub } = node.services
const { port, deliver } = await host({
  async join(channel) {
    pubsub.subscribe(channel)
    await until(() => pubsub.getMeshPeers(channel).length >= 2)
  },
  publish: (channel, text) => pubsub.publish(channel, new TextEncoder().encode(text)),
})
const decoder = new TextDecoder()
pubsub.addEventListener('message', ({ detail }) => deliver(detail.topic, decoder.decode(detail.data)))
process.stdout.write(`${JSON.stringify({ port, address: String(node.getMultiaddrs()[0]) })}\n`)
