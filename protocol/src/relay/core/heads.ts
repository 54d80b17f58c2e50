import { decodeBase64url, sha256 } from '../../encoding.ts'
import { type Origin, originOf, parseOrigin } from '../../version-vector.ts'
import type { Head, SignedHead } from '../relay-statements.ts'
import type { Peer } from './peer.ts'
import type { Relay } from './relay.ts'
import { Timer } from './timers.ts'

/** Of each origin: heads that can still be compared, ids that can still be chained to one, and signed heads that are evidence. */
const HEADS_KEPT = 1_024
const SIGNED_KEPT = 64
/** Incarnations of one server of which signed heads are kept. */
const INCARNATIONS_KEPT = 4
/** Others' signed heads told with one version vector. */
const PASSED_ON = 4

interface Chain {
  readonly origin: Origin
  /** Heads by count; the last is the chain's end. Empty until a signed one was found to begin with. */
  readonly heads: Map<number, Uint8Array>
  /** Count of the chain's end; undefined before it begins. */
  end: number | undefined
  /** Ids of counts after the end. */
  readonly ids: Map<number, string>
}

/** The hash chain of each origin's messages: signed by its server, compared by all others. */
export class Heads {
  readonly #relay: Relay
  readonly #chains = new Map<Origin, Chain>()
  /** By count. Only what servers signed makes room here: what is merely said of them must not drive out evidence. */
  readonly #signed = new Map<Origin, Map<number, SignedHead>>()
  #own: { head: Head; signedUpTo: number } | undefined
  readonly #sign = new Timer(() => this.#signOwn())
  /** Whose heads are told next. */
  #turn = 0

  constructor(relay: Relay) {
    this.#relay = relay
  }

  /** This server begins a new incarnation. */
  begin(): void {
    const { self, incarnation } = this.#relay
    this.#own = { head: { server: self, incarnation, n: 0, head: new Uint8Array(32) }, signedUpTo: 0 }
  }

  /** This server counted an entry. Counts come in order. */
  appended(n: number, id: string): void {
    const { bounds, timers, timings, now } = this.#relay
    const own = this.#own
    if (!own || n !== own.head.n + 1) return
    own.head = { ...own.head, n, head: next(own.head.head, id) }
    if (n - own.signedUpTo >= bounds.headMessages) this.#signOwn()
    else timers.by(this.#sign, now.monotonicMs + timings.headMs)
  }

  /** An entry of another origin is stored. */
  stored(origin: Origin, n: number, id: string): void {
    const chain = this.#chain(origin)
    if (!chain || n <= (chain.end ?? 0)) return
    chain.ids.set(n, id)
    this.#grow(chain)
  }

  /** A head of this server was signed, or one of another turned out to be. */
  signed(head: SignedHead): void {
    if (head.server === this.#relay.self) {
      for (const peer of this.#relay.peers.values()) this.#relay.send(peer, { type: 'HEAD', ...head })
      return
    }
    const origin = originOf(head)
    const signed = this.#signedOf(origin)
    const other = signed.get(head.n)
    if (other) {
      if (equal(other.head, head.head)) return
      this.#relay.counters.forks++
      this.#relay.emit({ type: 'fork', first: other, second: head })
      return
    }
    signed.set(head.n, head)
    trim(signed, SIGNED_KEPT)
    const chain = this.#chain(origin)
    if (!chain) return
    const own = chain.heads.get(head.n)
    if (own) this.#compare(chain, own, head)
    else if (chain.end === undefined) this.#begin(chain, head)
  }

  /** A peer says that a server signed this. */
  heard(peer: Peer, { server, incarnation, n, head, signature }: SignedHead): void {
    if (server === this.#relay.self) return
    const known = this.#signed.get(originOf({ server, incarnation }))?.get(n)
    if (known && equal(known.head, head)) return
    this.#relay.check(peer, { kind: 'head', head: { server, incarnation, n, head } }, signature)
  }

  /** Tells a peer some of what other servers signed: a server that signs two histories is found out when they meet. */
  passOn(peer: Peer): void {
    const signed = [...this.#signed.values()]
    for (let i = 0; i < Math.min(PASSED_ON, signed.length); i++) {
      const head = [...(signed[this.#turn++ % signed.length]?.values() ?? [])].at(-1)
      if (head && head.server !== peer.id) this.#relay.send(peer, { type: 'HEAD', ...head })
    }
  }

  #signOwn(): void {
    const own = this.#own
    if (!own || own.signedUpTo === own.head.n) return
    const { peers, timers, timings, now } = this.#relay
    // Nobody hears it now.
    if (peers.size === 0) return timers.by(this.#sign, now.monotonicMs + timings.headMs)
    own.signedUpTo = own.head.n
    timers.clear(this.#sign)
    this.#relay.emit({ type: 'sign', statement: { kind: 'head', head: own.head } })
  }

  #signedOf(origin: Origin): Map<number, SignedHead> {
    const known = this.#signed.get(origin)
    if (known) return known
    const its = [...this.#signed.keys()].filter((other) => parseOrigin(other).server === parseOrigin(origin).server)
    for (const old of its.slice(0, its.length - INCARNATIONS_KEPT + 1)) this.#signed.delete(old)
    const signed = new Map<number, SignedHead>()
    this.#signed.set(origin, signed)
    return signed
  }

  /** Only of the latest incarnation of each member: undefined for others. */
  #chain(origin: Origin): Chain | undefined {
    const known = this.#chains.get(origin)
    if (known) return known
    const { server, incarnation } = parseOrigin(origin)
    if (!this.#relay.router.isMember(server) || incarnation < this.#relay.latestIncarnation(server)) return undefined
    for (const other of this.#chains.keys()) if (parseOrigin(other).server === server) this.#chains.delete(other)
    const chain: Chain = { origin, heads: new Map([[0, new Uint8Array(32)]]), end: 0, ids: new Map() }
    // What came before this server was listening can't be chained: it begins with a signed head.
    if (this.#relay.vector.watermark(origin) > 1) Object.assign(chain, { heads: new Map(), end: undefined })
    this.#chains.set(origin, chain)
    return chain
  }

  #begin(chain: Chain, { n, head }: SignedHead): void {
    chain.heads.set(n, head)
    chain.end = n
    for (const count of chain.ids.keys()) if (count <= n) chain.ids.delete(count)
    this.#grow(chain)
  }

  #grow(chain: Chain): void {
    if (chain.end !== undefined) {
      for (let id = chain.ids.get(chain.end + 1); id !== undefined; id = chain.ids.get(chain.end + 1)) {
        const head: Uint8Array = next(chain.heads.get(chain.end) ?? new Uint8Array(32), id)
        chain.ids.delete(++chain.end)
        chain.heads.set(chain.end, head)
        chain.heads.delete(chain.end - HEADS_KEPT)
        const signed = this.#signed.get(chain.origin)?.get(chain.end)
        if (signed && !this.#compare(chain, head, signed)) return
      }
    }
    if (chain.ids.size <= HEADS_KEPT) return
    // A gap that does not close, as where something expired before it came.
    trim(chain.ids, HEADS_KEPT)
    this.#restart(chain)
  }

  /** What was stored here is not what its server signed. Who is to blame is not known: the chain goes on from what was signed. */
  #compare(chain: Chain, head: Uint8Array, signed: SignedHead): boolean {
    if (equal(head, signed.head)) return true
    this.#relay.counters.mismatches++
    this.#restart(chain)
    return false
  }

  #restart(chain: Chain): void {
    chain.end = undefined
    chain.heads.clear()
  }
}

function next(head: Uint8Array, id: string): Uint8Array {
  const bytes = decodeBase64url(id, 32)
  if (!bytes) throw new RangeError('An id has 32 bytes')
  return sha256(head, bytes)
}

function equal(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i])
}

/** Keeps the latest items of a map. */
function trim<T>(map: Map<number, T>, kept: number): void {
  for (const key of map.keys()) {
    if (map.size <= kept) return
    map.delete(key)
  }
}
