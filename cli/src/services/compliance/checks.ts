import { randomBytes } from 'node:crypto'
import {
  describeMismatch,
  EndpointProof,
  generateDeviceKey,
  limits,
  routes,
  routeUrl,
  signGenesis,
  webCryptoSigner,
  WellKnown,
} from '@dred/protocol'
import { endpointProofStatement, serverKeyId, verifyStatement } from '@dred/protocol/statements'
import { bytesToHex, type Hex } from 'viem'
import { LOCAL_CHAIN_ID } from '../../dev/chain-id.ts'
import { time } from '../../units.ts'
import type { Answer, Probe } from './probe.ts'

/** What is examined: a server as the chain has it, at one of its endpoints. */
export interface Subject {
  chainId: number
  serverRegistry: Hex
  neighborhood: number
  server: number
  endpoint: string
  /** Id of the server's present key, lower case. */
  keyId: Hex
  /** Last Unix time in seconds at which the registry accepts a former key of this server; undefined when it does not accept it now. */
  formerKeyUntil: (keyId: Hex) => Promise<number | undefined>
}

/** A check throws what is wrong, in a sentence without its period; it may return what its operator should know all the same. */
export interface CheckDefinition {
  name: string
  /** Its name at a plain http endpoint, where that is less. */
  plainName?: string
  /** Whether the checks after it make no sense when it fails. */
  essential?: boolean
  run: (subject: Subject, probe: Probe) => Promise<string | void>
}

const UNKNOWN_CHANNEL = 'A'.repeat(43)

/** In the order in which they are made, which is part of the report. */
export const checks: readonly CheckDefinition[] = [
  { name: 'public endpoint', essential: true, run: checkEndpoint },
  { name: 'answers, over TLS with a valid certificate', plainName: 'answers', essential: true, run: checkReachable },
  { name: 'speaks the protocol', essential: true, run: checkProtocol },
  { name: 'names its server, key, chain and neighborhood', run: checkIdentity },
  { name: 'signs a fresh challenge with the server key', run: checkProof },
  { name: 'keeps time', run: checkClock },
  { name: 'lets pages of any origin in', run: checkCors },
  { name: 'describes its routes', run: checkOpenApi },
  { name: 'refuses malformed JSON', run: checkMalformed },
  { name: 'refuses other body types', run: checkBodyType },
  { name: 'answers 404 with a problem document', run: checkNotFound },
  { name: 'refuses a forged channel', run: checkForgery },
]

async function checkEndpoint({ endpoint, chainId }: Subject): Promise<void> {
  if (new URL(endpoint).protocol === 'https:' || chainId === LOCAL_CHAIN_ID) return
  throw new Error(`${endpoint} can be reached from its own machine only`)
}

async function checkReachable(_: Subject, probe: Probe): Promise<void> {
  await probe.page(routes.wellKnown.path)
}

async function checkProtocol(_: Subject, probe: Probe): Promise<void> {
  const { protocol } = await describeServer(probe)
  if (!protocol.versions.includes(1)) throw new Error(`it speaks version ${protocol.versions.join(', ')} of the protocol, not 1`)
}

async function checkIdentity(subject: Subject, probe: Probe): Promise<string | undefined> {
  const { server, chain, neighborhoods } = await describeServer(probe)
  const { keyId, serverRegistry, chainId, neighborhood } = subject
  if (server.id !== subject.server) throw new Error(`it says that it is server ${server.id}`)
  const named = lowerHex(server.keyId)
  const formerUntil = named === keyId ? undefined : await subject.formerKeyUntil(named)
  if (named !== keyId && formerUntil === undefined) throw new Error(`its key is ${named}, the registry's ${keyId}`)
  if (chain.id !== chainId || chain.serverRegistry.toLowerCase() !== serverRegistry.toLowerCase())
    throw new Error(`it follows the registry ${chain.serverRegistry} on chain ${chain.id}`)
  if (!neighborhoods.includes(String(neighborhood))) throw new Error(`it does not serve neighborhood ${neighborhood}`)
  return formerUntil === undefined
    ? undefined
    : `by its former key ${named}, accepted until ${time(formerUntil)}: restart the server with its new key`
}

async function checkProof(subject: Subject, probe: Probe): Promise<void> {
  const { server, endpoint } = subject
  const nonce = bytesToHex(randomBytes(32))
  const answer = await probe.request('GET', routeUrl('', 'endpointProof', { query: { nonce } }))
  const document = jsonOf(expectStatus(answer, 200))
  const mismatch = describeMismatch(EndpointProof, document)
  if (mismatch) throw new Error(`its proof is not what the protocol says: ${mismatch}`)
  const proof = document as unknown as Record<'keyX' | 'keyY' | 'r' | 's' | 'nonce', Hex> & EndpointProof
  const { keyX, keyY, r, s } = proof
  if (proof.nonce !== nonce) throw new Error('its proof is of another challenge')
  if (proof.endpoint !== endpoint) throw new Error(`its proof is for ${proof.endpoint}`)
  const proven = serverKeyId(keyX, keyY)
  const named = await keyOf(subject, probe)
  if (proven !== named) throw new Error(`its proof is of the key ${proven}, the registry accepts ${named}`)
  const statement = endpointProofStatement(subject, { server, endpoint, nonce })
  if (!(await verifyStatement({ keyX, keyY }, statement, { r, s }))) throw new Error('the signature of its proof does not verify')
}

/** The key with which a server has to sign: the one that it names where the registry accepts it, else its present one. */
export async function keyOf({ keyId, formerKeyUntil }: Subject, probe: Probe): Promise<Hex> {
  const named = lowerHex((await describeServer(probe)).server.keyId)
  return named !== keyId && (await formerKeyUntil(named)) !== undefined ? named : keyId
}

async function checkClock(_: Subject, probe: Probe): Promise<void> {
  const apart = Math.abs((await describeServer(probe)).time - Date.now())
  if (apart > limits.clockSkewMs) throw new Error(`its clock is ${Math.round(apart / 1000)} s from here`)
}

async function checkCors(_: Subject, probe: Probe): Promise<void> {
  const { headers } = await probe.page(routes.wellKnown.path)
  if (headers['access-control-allow-origin'] !== '*') throw new Error('it does not send Access-Control-Allow-Origin: *')
}

async function checkOpenApi(_: Subject, probe: Probe): Promise<void> {
  const { openapi, paths } = jsonOf(expectStatus(await probe.request('GET', '/openapi.json'), 200))
  if (typeof openapi !== 'string' || !openapi.startsWith('3.')) throw new Error('/openapi.json is not an OpenAPI 3 document')
  const described = isRecord(paths) ? paths : {}
  const missing = ['/channel/{id}', '/channel/{id}/stream', '/channel/{id}/messages'].filter((path) => !(path in described))
  if (missing.length > 0) throw new Error(`/openapi.json does not describe ${missing.join(', ')}`)
}

async function checkMalformed(_: Subject, probe: Probe): Promise<void> {
  const body = { type: 'application/json', content: '{"message":' }
  expectProblem(await probe.request('POST', `/channel/${UNKNOWN_CHANNEL}`, body), 400, ['malformed_json'])
}

async function checkBodyType(_: Subject, probe: Probe): Promise<void> {
  const body = { type: 'text/plain', content: 'hello' }
  expectProblem(await probe.request('POST', `/channel/${UNKNOWN_CHANNEL}`, body), 415, ['unsupported_media_type'])
}

async function checkNotFound(_: Subject, probe: Probe): Promise<void> {
  expectProblem(await probe.request('GET', '/no-such-address'), 404, ['not_found'])
}

/** A pending server may refuse every channel; one that takes this channel believes forged signatures. */
async function checkForgery({ neighborhood }: Subject, probe: Probe): Promise<void> {
  const signer = await webCryptoSigner(await generateDeviceKey({ extractable: false }))
  const created = { neighborhood: String(neighborhood), createdAt: Date.now(), salt: randomBytes(16) }
  const [{ id, genesis }, other] = await Promise.all([signGenesis(signer, created), signGenesis(signer, { ...created, name: 'other' })])
  const body = { type: 'application/json', content: JSON.stringify({ ...genesis, sig: other.genesis.sig }) }
  const answer = await probe.request('PUT', `/channel/${id}`, body)
  expectProblem(answer, answer.status === 503 ? 503 : 401, ['invalid_signature', 'not_serving'])
}

async function describeServer(probe: Probe): Promise<WellKnown> {
  const answer = expectStatus(await probe.page(routes.wellKnown.path), 200)
  const document = jsonOf(answer)
  const mismatch = describeMismatch(WellKnown, document)
  if (mismatch) throw new Error(`${routes.wellKnown.path} is not what the protocol says: ${mismatch}`)
  return document as unknown as WellKnown
}

function expectStatus(answer: Answer, status: number): Answer {
  if (answer.status !== status) throw new Error(`it answers ${answer.status} in place of ${status}`)
  return answer
}

function expectProblem(answer: Answer, status: number, codes: readonly string[]): void {
  expectStatus(answer, status)
  if (!answer.headers['content-type']?.startsWith('application/problem+json')) throw new Error('its refusal is no problem document')
  const { code } = jsonOf(answer)
  if (typeof code !== 'string' || !codes.includes(code)) throw new Error(`it says ${String(code)} in place of ${codes.join(' or ')}`)
}

function jsonOf({ body }: Answer): Record<string, unknown> {
  let value: unknown
  try {
    value = JSON.parse(body)
  } catch {
    throw new Error('its answer is not JSON')
  }
  if (!isRecord(value)) throw new Error('its answer is not a JSON object')
  return value
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function lowerHex(hex: string): Hex {
  return `0x${hex.slice(2).toLowerCase()}`
}
