/** The path templates of the routes, with `:name` parameters: all that a client needs of them. */
export const paths = {
  publish: '/channel/:id',
  createChannel: '/channel/:id',
  describeChannel: '/channel/:id',
  streamChannel: '/channel/:id/stream',
  channelMessages: '/channel/:id/messages',
  publishBatch: '/channel/:id/messages',
  listChannels: '/channels',
  streamChannels: '/channels/stream',
  openSession: '/session',
  endSession: '/session',
  revokeDelegation: '/session/revocation',
  issueCapability: '/channel/:id/capability',
  invite: '/channel/:id/invite',
  join: '/channel/:id/join',
  approve: '/channel/:id/approve',
  leave: '/channel/:id/leave',
  remove: '/channel/:id/remove',
  listMembers: '/channel/:id/members',
  putPresence: '/channel/:id/presence',
  getPresence: '/channel/:id/presence',
  wellKnown: '/.well-known/dred',
  endpointProof: '/.well-known/dred/proof',
} as const

export type RouteName = keyof typeof paths

/** Fills a route's path, percent-encoded, and appends the query's defined values. */
export function routeUrl(
  base: string,
  route: RouteName,
  values: { params?: Record<string, string>; query?: Record<string, string | number | undefined> } = {},
): string {
  const path = paths[route].replace(/:([a-z]+)/g, (_, name: string) => encodeURIComponent(values.params?.[name] ?? ''))
  const query = Object.entries(values.query ?? {}).flatMap(([name, value]) => (value === undefined ? [] : [[name, String(value)]]))
  const search = new URLSearchParams(query).toString()
  return `${base.replace(/\/$/, '')}${path}${search === '' ? '' : `?${search}`}`
}
