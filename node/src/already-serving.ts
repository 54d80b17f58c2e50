import { randomBytes } from 'node:crypto'
import { get as getPlain } from 'node:http'
import { get as getSecure } from 'node:https'
import { setTimeout as delay } from 'node:timers/promises'
import { describeMismatch, EndpointProof, routes } from '@dred/protocol'
import { endpointProofStatement, verifyStatement } from '@dred/protocol/statements'
import type { RegisteredKey, RegisteredServer, RegistryView } from './chain/port.ts'
import type { Bus } from './processes/bus.ts'

const MAX_BYTES = 8_192
const TIMEOUT_MS = 3_000
/** Within which a process of the same server has said that it was asked, after it has answered. */
const SAID_MS = 1_000

/** On which processes of one server say which proofs they were asked for. */
export const PROOF_TOPIC = 'proof'

/** Whose proof is asked for: of which server, with which key. */
export interface Asked {
  registry: Pick<RegistryView, 'chainId' | 'serverRegistry'>
  self: Pick<RegisteredServer, 'id' | 'endpoint'>
  key: Pick<RegisteredKey, 'keyX' | 'keyY'>
}

/**
 * Asks at a server's registered endpoint whether somebody serves with this key there now: two processes with one key would sign two
 * histories. One with a former key is no obstacle: that is how a server moves. To be asked before this process listens.
 * @returns false too when nobody can be reached there
 */
export function isServed(asked: Asked): Promise<boolean> {
  return proves(asked, newNonce())
}

/**
 * Whether who serves there does so with the store that this process has opened: then they are two of one server. Whoever answers says on
 * the bus of its store what it was asked.
 */
export async function sharesStore(asked: Asked, bus: Bus): Promise<boolean> {
  const nonce = newNonce()
  const over = new AbortController()
  let said = false
  const stop = bus.subscribe(PROOF_TOPIC, (text) => {
    if (text !== nonce) return
    said = true
    over.abort()
  })
  try {
    if (!(await proves(asked, nonce))) return false
    if (!said) await delay(SAID_MS, undefined, { signal: over.signal }).catch(() => undefined)
    return said
  } finally {
    stop()
  }
}

function newNonce(): `0x${string}` {
  return `0x${randomBytes(32).toString('hex')}`
}

async function proves({ registry, self, key }: Asked, nonce: `0x${string}`): Promise<boolean> {
  const url = new URL(`${routes.endpointProof.path}?nonce=${nonce}`, self.endpoint)
  const answer = await fetchJson(url).catch(() => undefined)
  if (describeMismatch(EndpointProof, answer) !== undefined) return false
  const proof = answer as EndpointProof
  const { chainId, serverRegistry } = registry
  // Whatever endpoint it names, as it may not have heard of a new one: who signs this nonce with this key is alive.
  const statement = endpointProofStatement({ chainId, serverRegistry }, { server: self.id, endpoint: proof.endpoint, nonce })
  const signature = { r: proof.r as `0x${string}`, s: proof.s as `0x${string}` }
  return proof.keyX === key.keyX && proof.keyY === key.keyY && verifyStatement(key, statement, signature)
}

/** Not by `fetch`: it would cost a server megabytes for good. */
function fetchJson(url: URL): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const get = url.protocol === 'https:' ? getSecure : getPlain
    const options = { agent: false as const, signal: AbortSignal.timeout(TIMEOUT_MS) }
    const request = get(url, options, (response) => {
      const chunks: Buffer[] = []
      let size = 0
      response.on('data', (chunk: Buffer) => {
        chunks.push(chunk)
        size += chunk.length
        if (size > MAX_BYTES) request.destroy()
      })
      response.once('error', reject)
      response.once('close', () => reject(new Error('The answer is too long or was broken off')))
      response.once('end', () => {
        try {
          resolve(JSON.parse(Buffer.concat(chunks).toString()))
        } catch (error) {
          reject(error instanceof Error ? error : new Error(String(error)))
        }
      })
    })
    request.once('error', reject)
  })
}
