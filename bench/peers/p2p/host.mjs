// What a node of a peer-to-peer network needs so that others can use it from outside: lines over TCP.
//   join <channel>              answered "ok" once the node's neighbours are in the channel too
//   subscribe <channel>         answered "ok"; then every message is a line
//   publish <channel> <text>    answered "ok" once the node has sent it
import { createServer } from 'node:net'
import { createInterface } from 'node:readline'

/**
 * @param node `{ join(channel), publish(channel, text) }`, both resolving when it is done
 * @returns `{ port, deliver }`: where it listens, and what gives a message to the channel's subscribers
 */
export async function host(node) {
  const subscribers = new Map()
  const server = createServer({ noDelay: true }, (socket) => {
    socket.on('error', () => undefined)
    const verbs = {
      join: (channel) => node.join(channel),
      publish: (channel, text) => node.publish(channel, text),
      async subscribe(channel) {
        if (!subscribers.has(channel)) subscribers.set(channel, new Set())
        subscribers.get(channel).add(socket)
        socket.on('close', () => subscribers.get(channel).delete(socket))
      },
    }
    createInterface({ input: socket }).on('line', (line) => {
      const [verb, channel, text] = line.split(' ')
      verbs[verb](channel, text).then(
        () => socket.write('ok\n'),
        (error) => socket.write(`error ${error.message}\n`),
      )
    })
  })
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  process.stdin.resume().once('end', () => process.exit())
  const deliver = (channel, text) => {
    for (const socket of subscribers.get(channel) ?? []) socket.write(`${text}\n`)
  }
  return { port: server.address().port, deliver }
}

/** Resolves when the condition holds. */
export async function until(condition) {
  const endMs = Date.now() + 30_000
  while (!(await condition())) {
    if (Date.now() > endMs) throw new Error('not within half a minute')
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}
