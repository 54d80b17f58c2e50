import { DredError } from '@dred/protocol'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { type Caller, nobody } from '../access/port.ts'
import type { Sessions } from '../identity/sessions.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** Who asks, see {@link Caller}. */
    caller: Caller
  }
}

/** Judges bearer tokens before anything else is done for a request; who has none is nobody. */
export function identifyCallers(app: FastifyInstance, sessions: Pick<Sessions, 'judge'>): void {
  app.decorateRequest('caller', null as never)
  app.addHook('onRequest', (request, _reply, done) => {
    request.caller = withCapability(nobody, request)
    if (request.headers.authorization === undefined) {
      done()
      return
    }
    judge(request, sessions).then(() => done(), done)
  })
}

async function judge(request: FastifyRequest, sessions: Pick<Sessions, 'judge'>): Promise<void> {
  request.caller = withCapability(await sessions.judge(bearerToken(request)), request)
}

function withCapability(caller: Caller, { headers }: FastifyRequest): Caller {
  const capability = headers['dred-capability']
  return typeof capability === 'string' ? { ...caller, capability } : caller
}

/** @throws DredError `unauthorized` without one, or for another kind of authorization */
export function bearerToken({ headers }: FastifyRequest): string {
  const token = /^Bearer +([A-Za-z0-9_.~+/-]+=*)$/i.exec(headers.authorization ?? '')?.[1]
  if (token === undefined) throw new DredError('unauthorized', { detail: 'The header Authorization has to be Bearer and a token' })
  return token
}
