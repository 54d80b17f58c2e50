import { DredError } from '@dred/protocol'
import type { RegisteredServer, RegistryView } from './chain/port.ts'
import { isAttested } from './chain/standing.ts'
import type { Log } from './log.ts'

/** Where a server is in its life; `lapsed` is one whose attestation ended, `unknown` one that the registry does not have. */
export type MembershipState = 'pending' | 'active' | 'lapsed' | 'exiting' | 'withdrawn' | 'slashed' | 'unknown'

/** What the chain says of this server now. */
export interface Standing {
  state: MembershipState
  /** Whether the server belongs to its neighborhood, attested or not. */
  member: boolean
  /** In a sentence, with what the operator can do about it. */
  detail: string
  key: {
    /** Whether it speaks for the server. */
    ok: boolean
    detail: string
    /** Last Unix second at which it does; infinite for the present key. */
    acceptedUntil: number
  }
  /** Whether clients are served, which takes membership and a key that is accepted: also before the first attestation, which examines how, and when one has ended. */
  serves: boolean
  /** Last Unix second of the latest attestation; 0 if there was none. */
  validUntil: number
}

/** This server's own place in the registry. */
export class Membership {
  readonly #registry: RegistryView
  readonly #server: number
  readonly #keyId: string

  /** @param self registry id of the server, and the id of the key that it signs with */
  constructor(registry: RegistryView, self: { server: number; keyId: string }) {
    this.#registry = registry
    this.#server = self.server
    this.#keyId = self.keyId
  }

  standing(): Standing {
    const { server, state, acceptedUntil, keyOk, member } = this.#facts()
    const validUntil = server?.validUntil ?? 0
    const key = { ok: keyOk, detail: this.#describeKey(server, keyOk, acceptedUntil), acceptedUntil }
    return { state, member, detail: this.#describe(state, validUntil), key, serves: member && keyOk, validUntil }
  }

  /** @throws DredError `not_serving` with the reason */
  assertServing(): void {
    // Asked at every request: without the texts.
    const { member, keyOk } = this.#facts()
    if (member && keyOk) return
    const { key, detail } = this.standing()
    throw new DredError('not_serving', { detail: keyOk ? detail : key.detail })
  }

  #facts() {
    const now = this.#registry.now()
    const server = this.#registry.server(this.#server)
    const state = stateOf(server, now)
    const acceptedUntil = this.#acceptedUntil(server)
    const member = state === 'pending' || state === 'active' || state === 'lapsed'
    return { server, state, member, acceptedUntil, keyOk: now <= acceptedUntil }
  }

  /** Of a server that is not there nothing is known: its key is not at fault. */
  #acceptedUntil(server: RegisteredServer | undefined): number {
    if (!server || server.keyId === this.#keyId) return Number.POSITIVE_INFINITY
    return server.formerKeys.find(({ keyId }) => keyId === this.#keyId)?.acceptedUntil ?? 0
  }

  #describeKey(server: RegisteredServer | undefined, ok: boolean, acceptedUntil: number): string {
    if (!server || acceptedUntil === Number.POSITIVE_INFINITY) return `${this.#keyId} is the present key`
    if (acceptedUntil === 0) return `${this.#keyId} is not a key of server ${server.id}`
    const replaced = `${this.#keyId} was replaced by ${server.keyId}`
    return ok
      ? `${replaced} and is accepted until ${date(acceptedUntil)}: start this server with that key before`
      : `${replaced} and is not accepted after ${date(acceptedUntil)}: start this server with that key`
  }

  #describe(state: MembershipState, validUntil: number): string {
    const server = `Server ${this.#server} of neighborhood ${this.#registry.neighborhood}`
    switch (state) {
      case 'pending':
        return `${server} waits for its first attestation: until then clients are not told of it and it has no peers`
      case 'active':
        return `${server} is attested until ${date(validUntil)}`
      case 'lapsed':
        return `The attestation of server ${this.#server} ended after ${date(validUntil)}: clients are not told of it until it is attested again`
      case 'exiting':
        return `${server} has left: its exit was requested, and it cannot come back. Register another one to serve again`
      case 'withdrawn':
        return `${server} has left and its stake was paid out. Register another one to serve again`
      case 'slashed':
        return `${server} was slashed for signing two histories and is out for ever. Find out who has its key before registering another one`
      case 'unknown':
        return `${server} is not in the registry: register it first`
    }
  }
}

/** @returns what logs a standing, each time that it is another one: at the level of an error when the server does not serve */
export function reporter(log: Log): (standing: Standing) => void {
  let said = ''
  return ({ state, serves, detail, key }) => {
    const saying = `${detail}. ${key.detail}`
    if (saying === said) return
    said = saying
    const fields = { state, membership: detail, key: key.detail }
    if (!serves) log.error(fields, 'not serving')
    else if (state !== 'active' || Number.isFinite(key.acceptedUntil))
      log.warn(fields, 'serving, but not as an attested server with its present key')
    else log.info(fields, 'serving as an attested server')
  }
}

function stateOf(server: RegisteredServer | undefined, now: number): MembershipState {
  if (!server) return 'unknown'
  if (server.status === 'active') return isAttested(server, now) ? 'active' : 'lapsed'
  if (server.status === 'pending') return server.validUntil > 0 ? 'lapsed' : 'pending'
  return server.status
}

function date(unixSeconds: number): string {
  return new Date(unixSeconds * 1_000).toISOString()
}
