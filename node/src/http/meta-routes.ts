import { DredError, isErrorCode, limits, routes, type WellKnown } from '@dred/protocol'
import { acceptedKeys } from '../chain/standing.ts'
import type { AppContext, Routes } from './app.ts'
import { declaration, noQuery } from './declaration.ts'
import { explainProblem } from './errors.ts'

export function registerMetaRoutes(app: Routes, context: AppContext): void {
  app.route({
    ...declaration(routes.wellKnown),
    handler: () => describeServer(context),
  })
  app.get<{ Params: { code: string } }>('/problems/:code', { schema: { querystring: noQuery } }, ({ params }) => {
    if (!isErrorCode(params.code)) throw new DredError('not_found')
    return explainProblem(params.code)
  })
  // Rarely asked for, so loaded when it is.
  app.get('/openapi.json', { schema: { querystring: noQuery } }, async () =>
    (await import('./openapi.ts')).describeApi(context.software.version),
  )
}

function describeServer({ registry, self, key, identity, software, incarnation, now }: AppContext): WellKnown {
  return {
    protocol: { versions: [1] },
    software,
    server: { id: self.id, keyId: key.keyId, publicKey: { x: key.keyX, y: key.keyY }, incarnation: incarnation() },
    chain: { id: registry.chainId, serverRegistry: registry.serverRegistry },
    neighborhoods: [registry.neighborhood],
    limits: { messageBytes: Math.min(limits.messageBytes, registry.parameters.maxMessageBytes), pageItems: limits.pageItems },
    identity: identity.offer,
    servers: registry.attested().map((server) => {
      const { id, operator, keyId, endpoint, did } = server
      const keys = acceptedKeys(server, registry.now()).map(({ keyX, keyY }) => ({ keyX, keyY }))
      return { id, operator, keyId, endpoint, did, keys }
    }),
    time: now(),
  }
}
