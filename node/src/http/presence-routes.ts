import { routes } from '@dred/protocol'
import type { AppContext, Routes } from './app.ts'
import { declaration } from './declaration.ts'

export function registerPresenceRoutes(app: Routes, { channels, presence }: AppContext): void {
  app.route({
    ...declaration(routes.putPresence),
    handler: async ({ params: { id }, body, caller }) => ({
      expiresAt: await presence.put(id, body, (key) => channels.use(id, 'write', { ...caller, key })),
    }),
  })
  app.route({
    ...declaration(routes.getPresence),
    handler: async ({ params: { id }, caller }) => {
      await channels.use(id, 'read', caller)
      return { items: presence.list(id) }
    },
  })
}
