/** What the page shows, by the hash of its address. */
export type Route = { view: 'tables' } | { view: 'chat'; channel: string | undefined }

/** `#chat=<channel id>` opens a channel, `#chat` the choice of one; everything else is the tables. A slash after the # is ignored. */
export function routeOf(hash: string): Route {
  const [view, channel] = hash.replace(/^#\/?/, '').split('=')
  if (view !== 'chat') return { view: 'tables' }
  return { view: 'chat', channel: channel !== undefined && /^[A-Za-z0-9_-]{43}$/.test(channel) ? channel : undefined }
}

export function hashOf(route: Route): string {
  if (route.view === 'tables') return '#tables'
  return route.channel === undefined ? '#chat' : `#chat=${route.channel}`
}
