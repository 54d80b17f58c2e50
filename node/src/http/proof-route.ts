import { DredError, routes } from '@dred/protocol'
import { endpointProofStatement, signStatement } from '@dred/protocol/statements'
import type { RegisteredServer } from '../chain/port.ts'
import type { AppContext, Routes } from './app.ts'
import { declaration } from './declaration.ts'
import type { HttpLimits } from './limits.ts'

/** Where attesters ask for proof that the server's key is at its endpoint. */
export function registerProofRoute(app: Routes, context: AppContext, { proofs }: HttpLimits): void {
  const { registry, self, key, membership, onProof } = context
  let signing = 0
  app.route({
    ...declaration(routes.endpointProof),
    handler: async ({ query, host }, reply) => {
      membership.assertServing()
      const endpoint = endpointAskedAt(registry.server(self.id), host)
      const nonce = query.nonce as `0x${string}`
      onProof(nonce)
      if (signing >= proofs) throw new DredError('rate_limited', { detail: 'Too many ask for a proof at once' })
      signing++
      try {
        const { chainId, serverRegistry } = registry
        const statement = endpointProofStatement({ chainId, serverRegistry }, { server: self.id, endpoint, nonce })
        const { keyX, keyY } = key
        reply.header('cache-control', 'no-store')
        return { server: self.id, endpoint, keyX, keyY, nonce, ...(await signStatement(key, statement)) }
      } finally {
        signing--
      }
    },
  })
}

/** The endpoint that the server has or, if it is asked there, the one that it wants to move to: it is examined before it moves. */
function endpointAskedAt(server: RegisteredServer | undefined, host: string): string {
  if (!server) throw new DredError('not_serving')
  const { endpoint, proposedEndpoint } = server
  return proposedEndpoint !== undefined && new URL(proposedEndpoint).host === host && new URL(endpoint).host !== host
    ? proposedEndpoint
    : endpoint
}
