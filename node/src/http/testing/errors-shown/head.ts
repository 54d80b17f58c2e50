import { limits } from '@dred/protocol'
import { testSigner } from '../../../testing/test-node.ts'
import { ask, ask2, type Asked, bearer, delegation, revocation, type Told, tokenOf, valid } from './requests.ts'
import type { Place, Server } from './servers.ts'
import type { Situation } from './situation.ts'

/** A request that the route would take, with a change, at a server in some situation. */
function changed(server: Server, change: (asked: Asked, place: Place) => Asked | Promise<Asked>): Situation['show'] {
  return async (servers, route) => {
    const place = await servers.at(server)
    return ask(place.node.url, await change(await valid(place, route), place))
  }
}

const withQuery = (asked: Asked, query: string): Asked => ({
  ...asked,
  path: `${asked.path}${asked.path.includes('?') ? '&' : '?'}${query}`,
})
const withHeaders = (asked: Asked, headers: Record<string, string>): Asked => ({ ...asked, headers: { ...asked.headers, ...headers } })
const same = (asked: Asked): Asked => asked

/** Whatever a request asks for. */
export const ofHead: Situation[] = [
  {
    code: 'malformed_request',
    when: 'the query has a name that nobody knows',
    show: changed('usual', (asked) => withQuery(asked, 'nonsense=1')),
  },
  {
    code: 'unsupported_version',
    when: '`Dred-Version` is 2',
    show: changed('usual', (asked) => withHeaders(asked, { 'dred-version': '2' })),
  },
  {
    code: 'unauthorized',
    when: 'the bearer token is not one of this server',
    show: changed('usual', (asked) => withHeaders(asked, bearer('nonsense'))),
  },
  {
    code: 'token_expired',
    when: 'the bearer token is older than its hour',
    show: changed('late', (asked, place) => withHeaders(asked, place.bearer)),
  },
  {
    code: 'delegation_revoked',
    when: "the delegation of the bearer's wallet was revoked",
    show: changed('usual', async (asked, { node }) => {
      const device = await testSigner()
      const token = await tokenOf(node, device, delegation(node, device))
      const revoked = await ask(node.url, { method: 'POST', path: '/session/revocation', body: await revocation(node, device) })
      if (revoked.status !== 200) throw new Error(JSON.stringify(revoked))
      return withHeaders(asked, bearer(token))
    }),
  },
  {
    code: 'uri_too_long',
    when: 'the address has 13,000 characters',
    show: changed('usual', (asked) => withQuery(asked, `nonsense=${'x'.repeat(13_000)}`)),
  },
  {
    code: 'headers_too_large',
    when: 'a header has 20,000 bytes, over HTTP/2',
    show: async (servers, route): Promise<Told> => {
      const place = await servers.at('usual')
      return ask2(place.node.url, withHeaders(await valid(place, route), { a: 'x'.repeat(20_000) }))
    },
  },
  { code: 'rate_limited', when: 'the bucket of the address is empty', show: changed('spent', same) },
  { code: 'shutting_down', when: 'the operator has asked the server to drain', show: changed('draining', same) },
]

/** Whatever a body says. */
export const ofBody: Situation[] = [
  { code: 'malformed_json', when: 'the body is `{`', show: changed('usual', (asked) => ({ ...asked, text: '{' })) },
  {
    code: 'unsupported_media_type',
    when: 'the body is text/plain',
    show: changed('usual', (asked) => ({ ...withHeaders(asked, { 'content-type': 'text/plain' }), text: '{}' })),
  },
  {
    code: 'body_too_large',
    when: 'the body is announced with one byte more than any may have',
    show: changed('usual', (asked) => ({ ...asked, text: '{', announced: Math.max(limits.batchBytes, limits.streamRequestBytes) + 1 })),
  },
  {
    code: 'request_timeout',
    when: 'the body does not come',
    show: changed('hasty', (asked) => ({ ...asked, text: '{', announced: 100 })),
  },
]
