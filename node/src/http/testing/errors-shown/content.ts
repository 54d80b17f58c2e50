import {
  canonicalJson,
  type ControlName,
  controlNames,
  encodeBase64url,
  type ErrorCode,
  hashId,
  type JsonValue,
  limits,
  type RouteName,
  type Signer,
  signPresence,
} from '@dred/protocol'
import { genesisEntry } from '../../../entries.ts'
import { testSigner } from '../../../testing/test-node.ts'
import {
  answer,
  ask,
  type Asked,
  bearer,
  control,
  delegation,
  isControl,
  newGenesis,
  newMessage,
  revocation,
  type Told,
  tokenOf,
  valid,
  WALLET,
} from './requests.ts'
import type { Place } from './servers.ts'
import type { Situation } from './situation.ts'

const messages = ['publish', ...controlNames] as const
const CHAIN = 31_337
/** Of small order. */
const WEAK = encodeBase64url(new Uint8Array(32).fill(1, 0, 1))
/** Of nothing. */
const FORGED = 'B'.repeat(86)

type Change = (place: Place, route: RouteName) => Asked | Promise<Asked>

function asking(change: Change): Situation['show'] {
  return async (servers, route): Promise<Told> => {
    const place = await servers.at('usual')
    return ask(place.node.url, await change(place, route))
  }
}

/** A request that the route would take, with other fields in its body. */
function fields(changes: Record<string, unknown> | ((place: Place) => Promise<Record<string, unknown>>)): Situation['show'] {
  return asking(async (place, route) => {
    const asked = await valid(place, route)
    const changed = typeof changes === 'function' ? await changes(place) : changes
    return { ...asked, body: { ...(asked.body as Record<string, unknown>), ...changed } }
  })
}

/** A message that is dated so, in a channel that takes it otherwise. */
function dated(byMs: number): Situation['show'] {
  return asking(async (place, route) => {
    const sentAt = Date.now() + byMs
    const { id } = isControl(route) ? place.members : place.open
    const { by, message } = isControl(route) ? control(route, place) : { by: place.owner, message: 'hello' }
    const kind = isControl(route) ? { control: route } : {}
    return { ...(await valid(place, route, id)), body: await newMessage(by, id, { sentAt, message, ...kind }) }
  })
}

async function genesisOf(owner: Signer, changes: Parameters<typeof newGenesis>[1]): Promise<Asked> {
  const { id, genesis } = await newGenesis(owner, changes)
  return { method: 'PUT', path: `/channel/${id}`, body: genesis }
}

/** A genesis under the id that it hashes to, whoever it says that it is of. */
async function unsignedGenesis({ owner }: Place, changes: { key?: string; sig?: string }): Promise<Asked> {
  const { sig, ...unsigned } = { ...(await newGenesis(owner)).genesis, ...changes }
  return { method: 'PUT', path: `/channel/${hashId(canonicalJson(unsigned as JsonValue))}`, body: { ...unsigned, sig } }
}

async function signedControl({ members: { id } }: Place, by: Signer, said: { control: ControlName; message: unknown }): Promise<Asked> {
  return { method: 'POST', path: `/channel/${id}/${said.control}`, body: await newMessage(by, id, said) }
}

const create = (changes: Parameters<typeof newGenesis>[1]): Situation['show'] => asking(({ owner }) => genesisOf(owner, changes))
const session = (body: (place: Place) => Promise<unknown>): Situation['show'] =>
  asking(async (place) => ({ method: 'POST', path: '/session', body: await body(place) }))
const revoke = (body: (place: Place) => Promise<unknown>): Situation['show'] =>
  asking(async (place) => ({ method: 'POST', path: '/session/revocation', body: await body(place) }))
const capability = (channelOf: (place: Place) => string | Promise<string> = ({ token }) => token.id): Situation['show'] =>
  asking(async (place) => {
    const device = await testSigner()
    const token = await tokenOf(place.node, device, delegation(place.node, device))
    return { method: 'POST', path: `/channel/${await channelOf(place)}/capability`, headers: bearer(token) }
  })

/** While the chain answers so. */
function withWallets(set: { failure?: ErrorCode; balanceOf?: bigint }, show: Situation['show']): Situation['show'] {
  return async (servers, route) => {
    const { wallets, node } = await servers.at('usual')
    const before = { failure: wallets.failure, balanceOf: wallets.balanceOf }
    // Balances are remembered for a block.
    node.registry.block++
    try {
      return await (Object.assign(wallets, set), show(servers, route))
    } finally {
      Object.assign(wallets, before)
    }
  }
}

/** What signed statements say. */
export const ofContent: Situation[] = [
  {
    code: 'malformed_message',
    when: 'the body is `{}`',
    routes: messages,
    show: asking(async (place, route) => ({ ...(await valid(place, route)), body: {} })),
  },
  {
    code: 'malformed_statement',
    when: 'the message has control of another kind',
    routes: controlNames,
    show: asking(async (place, route) => {
      const other = route === 'leave' ? 'join' : 'leave'
      return {
        ...(await signedControl(place, place.owner, { control: other, message: {} })),
        path: `/channel/${place.members.id}/${route}`,
      }
    }),
  },
  {
    code: 'malformed_statement',
    when: 'a control message says what its kind does not say',
    routes: ['publish'],
    show: asking(async (place, route) => {
      const message = await newMessage(place.owner, place.open.id, { control: 'leave', message: 'nonsense' })
      return { ...(await valid(place, route)), body: message }
    }),
  },
  { code: 'malformed_statement', when: 'the body is `{}`', routes: ['revokeDelegation'], show: revoke(async () => ({})) },
  { code: 'malformed_statement', when: 'the lease is longer than one may be', routes: ['putPresence'], show: fields({ ttlMs: 3_600_000 }) },
  { code: 'message_expired', when: 'the message is older than the lifetime of the channel', show: dated(-2 * 86_400_000) },
  { code: 'clock_skew', when: 'the message is dated too far ahead', routes: messages, show: dated(limits.clockSkewMs + 60_000) },
  {
    code: 'clock_skew',
    when: 'the genesis is dated too far ahead',
    routes: ['createChannel'],
    show: create({ createdAt: Date.now() + 3_600_000 }),
  },
  {
    code: 'clock_skew',
    when: 'the lease is dated too far ahead',
    routes: ['putPresence'],
    show: asking(async (place, route) => {
      const body = await signPresence(place.owner, place.open.id, { sentAt: Date.now() + 3_600_000, ttlMs: 1_000 })
      return { ...(await valid(place, route)), body }
    }),
  },
  {
    code: 'clock_skew',
    when: 'the revocation is dated too far ahead',
    routes: ['revokeDelegation'],
    show: revoke(({ node, owner }) => revocation(node, owner, Date.now() + 3_600_000)),
  },
  { code: 'weak_key', when: 'the key is a point of small order', routes: [...messages, 'putPresence'], show: fields({ key: WEAK }) },
  {
    code: 'weak_key',
    when: 'the key is a point of small order',
    routes: ['createChannel'],
    show: asking((place) => unsignedGenesis(place, { key: WEAK })),
  },
  {
    code: 'weak_key',
    when: 'the key is a point of small order',
    routes: ['openSession'],
    show: session(async ({ node, owner }) => answer(node, { ...owner, key: WEAK, sign: (bytes) => owner.sign(bytes) })),
  },
  { code: 'weak_key', when: 'the device is a point of small order', routes: ['revokeDelegation'], show: fields({ device: WEAK }) },
  {
    code: 'invalid_signature',
    when: 'the signature is none',
    routes: [...messages, 'putPresence', 'revokeDelegation'],
    show: fields({ sig: FORGED }),
  },
  {
    code: 'invalid_signature',
    when: 'the signature is none',
    routes: ['createChannel'],
    show: asking((place) => unsignedGenesis(place, { sig: FORGED })),
  },
  {
    code: 'invalid_signature',
    when: 'the signature is none',
    routes: ['openSession'],
    show: session(async ({ node, owner }) => ({ ...(await answer(node, owner)), sig: FORGED })),
  },
  { code: 'malformed_genesis', when: 'the genesis has no name that it may have', show: fields({ name: 1 }) },
  { code: 'genesis_mismatch', when: 'the genesis is another one than the address says', show: fields({ name: 'another' }) },
  {
    code: 'wrong_neighborhood',
    when: 'the genesis names another neighborhood',
    routes: ['createChannel'],
    show: create({ neighborhood: '2' }),
  },
  {
    code: 'wrong_neighborhood',
    when: 'another neighborhood is asked for',
    routes: ['listChannels'],
    show: asking(() => ({ path: '/channels?neighborhood=2' })),
  },
  { code: 'channel_unsupported', when: 'the channel is ordered', routes: ['createChannel'], show: create({ mode: 'ordered' }) },
  {
    code: 'channel_unsupported',
    when: 'the channel has no members',
    routes: controlNames,
    show: asking((place, route) => valid(place, route)),
  },
  {
    code: 'channel_unsupported',
    when: 'the gate, of a channel that a peer passed on, is on another chain',
    routes: ['issueCapability'],
    show: capability(async ({ node, owner }) => {
      const gate = { standard: 'erc20', contract: WALLET, min: '1', chainId: CHAIN + 1 } as const
      const elsewhere = await newGenesis(owner, { access: 'token', gate })
      await node.store.append(genesisEntry(elsewhere), { server: 1, incarnation: 1 }, Date.now() * 1_000)
      return elsewhere.id
    }),
  },
  { code: 'malformed_session', when: 'the body is `{}`', show: session(async () => ({})) },
  {
    code: 'challenge_expired',
    when: 'the challenge is not one of this server',
    show: session(async ({ node, owner }) => ({ ...(await answer(node, owner)), challenge: 'nonsense' })),
  },
  {
    code: 'delegation_refused',
    when: 'the delegation is for another device',
    show: session(async ({ node, owner, stranger }) => ({ ...(await answer(node, owner)), delegation: delegation(node, stranger) })),
  },
  {
    code: 'chain_unavailable',
    when: 'the chain cannot be asked whether the wallet signed',
    routes: ['openSession'],
    show: withWallets(
      { failure: 'chain_unavailable' },
      session(async ({ node, owner }) => ({ ...(await answer(node, owner)), delegation: delegation(node, owner) })),
    ),
  },
  {
    code: 'chain_unavailable',
    when: 'the chain cannot be asked whether the wallet signed',
    routes: ['revokeDelegation'],
    show: withWallets(
      { failure: 'chain_unavailable' },
      revoke(async () => ({ wallet: WALLET, revokedAt: Date.now(), by: 'wallet', sig: `0x${'11'.repeat(65)}` })),
    ),
  },
  {
    code: 'chain_unavailable',
    when: 'the chain cannot be asked for the balance',
    routes: ['issueCapability'],
    show: async (servers, route) => {
      const { registry } = (await servers.at('usual')).node
      registry.isFresh = false
      try {
        return await capability()(servers, route)
      } finally {
        registry.isFresh = true
      }
    },
  },
  { code: 'gate_not_met', when: 'the wallet holds less than is asked for', show: withWallets({ balanceOf: 1n }, capability()) },
  {
    code: 'not_an_owner',
    when: 'a stranger says so',
    show: asking((place, route) =>
      signedControl(place, place.stranger, { control: route as ControlName, message: control(route as ControlName, place).message }),
    ),
  },
  {
    code: 'invalid_invitation',
    when: 'nobody has given that invitation',
    show: asking((place, route) =>
      signedControl(place, route === 'join' ? place.stranger : place.owner, {
        control: route as ControlName,
        message: { invite: 'A'.repeat(43) },
      }),
    ),
  },
]
