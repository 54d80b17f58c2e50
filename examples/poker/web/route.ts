/** What the page shows, by the hash of its address. */
export type Route = { view: 'tables' } | { view: 'chat'; channel: string | undefined }

/** `#chat=<channel id>` opens a channel, `#chat` the choice of one; everything else is the tables. */
export function routeOf(hash: string): Route {
  const channel = /^#chat=([A-Za-z0-9_-]{43})$/.exec(hash)?.[1]
  return channel !== undefined || hash.startsWith('#chat') ? { view: 'chat', channel } : { view: 'tables' }
}

export function hashOf(route: Route): string {
  if (route.view === 'tables') return '#tables'
  return route.channel === undefined ? '#chat' : `#chat=${route.channel}`
}
