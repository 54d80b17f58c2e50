import { controlNames, routes } from '@dred/protocol'
import type { AppContext, Routes } from './app.ts'
import { declaration } from './declaration.ts'

/** Who belongs to a channel. */
export function registerMemberRoutes(app: Routes, { channels, receipts }: AppContext): void {
  for (const name of controlNames) {
    app.route({
      ...declaration(routes[name]),
      handler: async (request, reply) => {
        const goal = receipts.goal(request.query)
        const { accepted, cursor, created } = await channels.control(request.params.id, name, request.body)
        const receipt = await receipts.issue(accepted, goal)
        return reply.code(created ? 201 : 200).send({ id: accepted.id, cursor, receipt })
      },
    })
  }
  app.route({
    ...declaration(routes.listMembers),
    handler: (request) => channels.members(request.params.id, request.caller),
  })
}
