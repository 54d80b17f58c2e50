import { ChannelDescription, routeUrl, type SignedGenesis } from '@dred/protocol'
import type { Context } from './context.ts'
import type { Server } from './discovery.ts'

/** Gives a channel's genesis to a server; one that has it already answers the same. @throws DredClientError */
export async function putGenesis(
  context: Context,
  { server, id, genesis }: { server: Server; id: string; genesis: SignedGenesis },
  signal: AbortSignal,
): Promise<ChannelDescription> {
  const url = routeUrl(server.endpoint, 'createChannel', { params: { id } })
  return context.http.json<ChannelDescription>({ url, method: 'PUT', body: genesis, signal }, ChannelDescription)
}
