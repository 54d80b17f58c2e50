import { open, publisherOn, subscriberOn } from '../lab/socket.ts'
import { newChannels } from './peers.ts'
import type { Answered, Cluster, Message, Parcel, Publisher, StartOptions, Subscriber, System } from './port.ts'
import { Unavailable } from './port.ts'
import { startRedis } from './redis.ts'

/** Clients that speak to Redis themselves: XADD to publish, a blocking XREAD for each subscriber. */
export const redisStreams: System = { name: 'redis', label: 'Redis, XADD and XREAD', durability: 'every second', start }

const READ_AT_ONCE = 1_000
const MARK = '<m:'

async function start({ servers, folder }: StartOptions): Promise<Cluster> {
  if (servers > 1) throw new Unavailable('Redis alone is one server')
  const redis = await startRedis(folder)
  return {
    pids: [redis.pid],
    frontPids: [redis.pid],
    versions: { Redis: redis.version },
    createChannels: newChannels(),
    prepare: async ([message]) => parcel(message),
    publisher: (_server, answered) => publisher(redis.port, answered),
    subscribe: (channel, _server, reader) => subscriber(redis.port, channel, reader),
    stop: () => redis.stop(),
  }
}

function parcel(message: Message | undefined): Parcel {
  if (!message) throw new Error('An empty parcel')
  return { numbers: [message.n], bytes: command('XADD', message.channel, '*', 'm', message.text) }
}

async function publisher(port: number, answered: Answered): Promise<Publisher> {
  const socket = await open(port, (bytes) => {
    const text = bytes.toString('latin1')
    answered(/^\$\d+\r\n\d+-\d+\r\n$/.test(text) ? undefined : new Error(`Not an id: ${text}`))
  })
  return publisherOn(socket)
}

async function subscriber(port: number, channel: string, reader: (bytes: Buffer) => void): Promise<Subscriber> {
  let text = ''
  let expected = 0
  let found = 0
  const read = (after: string): void =>
    void socket.write(command('XREAD', 'COUNT', `${READ_AT_ONCE}`, 'BLOCK', '0', 'STREAMS', channel, after))
  const socket = await open(port, (bytes) => {
    reader(bytes)
    text += bytes.toString('latin1')
    expected ||= Number(/^\*1\r\n\*2\r\n\$\d+\r\n.*\r\n\*(\d+)\r\n/.exec(text)?.[1] ?? 0)
    found = text.split(MARK).length - 1
    if (expected === 0 || found < expected || !text.endsWith('\r\n')) return
    const last =
      text
        .slice(0, text.lastIndexOf(MARK))
        .match(/\$\d+\r\n(\d+-\d+)\r\n/g)
        ?.at(-1)
        ?.split('\r\n')[1] ?? '$'
    text = ''
    expected = 0
    read(last)
  })
  // From the beginning: the channel is new, and nothing is missed while the command is on its way.
  read('0')
  return subscriberOn(socket)
}

function command(...words: string[]): Buffer {
  return Buffer.from(`*${words.length}\r\n${words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`).join('')}`)
}
