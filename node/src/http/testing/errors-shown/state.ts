import { controlNames, DredError, type ErrorCode, paths, type RouteName } from '@dred/protocol'
import { ServerNotices } from '../../../notices/notices.ts'
import { ask, isControl, newGenesis, newMessage, type Told, valid } from './requests.ts'
import type { Place, Server, Servers } from './servers.ts'
import type { Situation } from './situation.ts'

const UNKNOWN = 'A'.repeat(43)
const readers = ['streamChannel', 'channelMessages', 'listMembers', 'getPresence'] as const
const writers = ['publish', 'putPresence'] as const
const cursors = ['streamChannel', 'channelMessages'] as const

async function at(servers: Servers, server: Server, route: RouteName): Promise<Told> {
  const place = await servers.at(server)
  return ask(place.node.url, await valid(place, route))
}

/** With a store that fails in this way. */
async function whileStoreFails(servers: Servers, route: RouteName, failure: ErrorCode): Promise<Told> {
  const place = await servers.at('usual')
  const isFull = failure !== 'store_unavailable'
  // What is known of channels is remembered.
  const asked = await valid(place, route, isFull ? (isControl(route) ? place.members.id : place.open.id) : UNKNOWN)
  place.storeFault.failure = failure
  try {
    return await ask(place.node.url, asked)
  } finally {
    place.storeFault.failure = undefined
  }
}

/** A reader with a session, or a writer by signature, of somebody who does not belong to the channel. */
async function byStranger(servers: Servers, route: RouteName, of: 'members' | 'token'): Promise<Told> {
  const place = await servers.at('usual')
  const stranger = { ...place, owner: place.stranger, member: place.stranger }
  return ask(place.node.url, { ...(await valid(stranger, route, place[of].id)), headers: place.bearer })
}

async function withCursor(
  servers: Servers,
  route: RouteName,
  { server, of }: { server: Server; of: (place: Place) => string },
): Promise<Told> {
  const place = await servers.at(server)
  const path = paths[route].replace(':id', place.open.id)
  return ask(place.node.url, { path: `${path}?after=${of(place)}` })
}

const startOf = (channel: string): string => `1.${channel.slice(0, 12)}.`

/** What a server, its store and its channels are like. */
export const ofState: Situation[] = [
  { code: 'not_serving', when: 'the server is not in the registry', show: (servers, route) => at(servers, 'outside', route) },
  {
    code: 'store_unavailable',
    when: 'the store is out of reach',
    show: (servers, route) => whileStoreFails(servers, route, 'store_unavailable'),
  },
  {
    code: 'storage_full',
    when: 'the store has no room',
    routes: ['publish', 'createChannel', 'revokeDelegation', ...controlNames],
    show: (servers, route) => whileStoreFails(servers, route, 'storage_full'),
  },
  { code: 'storage_full', when: 'there is no room for further leases', routes: ['putPresence'], show: withoutRoomForNotices },
  {
    code: 'too_many_channels',
    when: 'the server keeps as many channels as it can',
    show: (servers, route) => whileStoreFails(servers, route, 'too_many_channels'),
  },
  {
    code: 'unknown_channel',
    when: 'nobody has created the channel here',
    show: async (servers, route) => {
      const place = await servers.at('usual')
      return ask(place.node.url, await valid(place, route, UNKNOWN))
    },
  },
  {
    code: 'channel_expired',
    when: 'the channel has been idle for longer than it may',
    show: (servers, route) => at(servers, 'late', route),
  },
  {
    code: 'not_a_member',
    when: 'a stranger reads a channel of members, or writes to it, or leaves it',
    routes: [...readers, ...writers, 'leave'],
    show: (servers, route) => byStranger(servers, route, 'members'),
  },
  { code: 'not_a_member', when: 'an owner has removed the key that joins', routes: ['join'], show: joinOfRemoved },
  {
    code: 'capability_needed',
    when: 'the channel has a token gate, and no capability comes',
    show: (servers, route) => byStranger(servers, route, 'token'),
  },
  {
    code: 'malformed_cursor',
    when: 'the cursor is no cursor',
    routes: cursors,
    show: (servers, route) => withCursor(servers, route, { server: 'usual', of: () => 'nonsense' }),
  },
  {
    code: 'malformed_cursor',
    when: 'the cursor is no cursor',
    routes: ['listChannels'],
    show: async (servers) => ask((await servers.at('usual')).node.url, { path: '/channels?cursor=nonsense' }),
  },
  {
    code: 'cursor_of_another_channel',
    when: 'the cursor is of another channel',
    show: (servers, route) => withCursor(servers, route, { server: 'usual', of: ({ members }) => startOf(members.id) }),
  },
  {
    code: 'cursor_expired',
    when: 'what follows the cursor was purged',
    show: (servers, route) => withCursor(servers, route, { server: 'purged', of: ({ open }) => startOf(open.id) }),
  },
  {
    code: 'too_many_streams',
    when: 'the server has as many streams as it may',
    routes: ['streamChannel', 'streamChannels'],
    show: (servers, route) => at(servers, 'crowded', route),
  },
  {
    code: 'too_many_streams',
    when: 'as many requests wait as may',
    routes: ['channelMessages'],
    show: (servers, route) => withCursor(servers, route, { server: 'crowded', of: ({ open }) => `${startOf(open.id)}&waitMs=1000` }),
  },
]

async function withoutRoomForNotices(servers: Servers, route: RouteName): Promise<Told> {
  const place = await servers.at('usual')
  const take = Object.getOwnPropertyDescriptor(ServerNotices.prototype, 'take') ?? {}
  // `notices/notices.test.ts` fills it, which takes thousands.
  ServerNotices.prototype.take = () => Promise.reject(new DredError('storage_full'))
  try {
    return await ask(place.node.url, await valid(place, route))
  } finally {
    Object.defineProperty(ServerNotices.prototype, 'take', take)
  }
}

async function joinOfRemoved(servers: Servers): Promise<Told> {
  const { node, owner, stranger } = await servers.at('usual')
  const { id, genesis } = await newGenesis(owner, { access: 'members' })
  const sentAt = Date.now()
  const send = async (by: typeof owner, control: 'approve' | 'remove' | 'join', fields: { message: unknown; sentAt: number }) =>
    ask(node.url, { method: 'POST', path: `/channel/${id}/${control}`, body: await newMessage(by, id, { control, ...fields }) })
  await ask(node.url, { method: 'PUT', path: `/channel/${id}`, body: genesis })
  await send(owner, 'approve', { message: { key: stranger.key }, sentAt })
  await send(owner, 'remove', { message: { key: stranger.key }, sentAt: sentAt + 1 })
  return send(stranger, 'join', { message: {}, sentAt: sentAt + 2 })
}
