import { canonicalJson } from '@dred/protocol'
import { type Hex, keccak256, stringToBytes, zeroHash } from 'viem'
import { CliError } from '../../errors.ts'
import type { Deployed } from '../chain.ts'
import { type ChainServer, isMember, readEndpoints, readFormerKey, readServer } from '../servers.ts'
import { checks, keyOf, type Subject } from './checks.ts'
import { Probe } from './probe.ts'

const NOT_EXAMINED = 'not examined'

export interface Check {
  name: string
  passed: boolean
  /** What is wrong, or to be known of one that passed. It is no part of the report: attesters may see the same in different words. */
  detail?: string
}

/** What attesters sign the hash of. Of a server that passes it is the same for each of them: it has no times and no measurements. */
export interface Report {
  v: 1
  chainId: number
  serverRegistry: string
  neighborhood: number
  server: number
  endpoint: string
  /** The key by which the server answered, of those that the registry accepts. */
  keyId: string
  spkiHash: string
  checks: { name: string; passed: boolean }[]
}

export interface Examination {
  passed: boolean
  endpoint: string
  checks: Check[]
  /** SHA-256 of the certificate's SubjectPublicKeyInfo; zero without TLS. */
  spkiHash: Hex
  /** Last Unix time in seconds at which the certificate is valid. */
  certificateUntil: number | undefined
  report: Report
  /** keccak256 of the report's RFC 8785 form. */
  reportHash: Hex
}

/** A registered server and what was found of it. */
export interface Examined {
  server: number
  neighborhood: number
  operator: Hex
  /** Last Unix time in seconds at which its latest attestation of this endpoint holds; 0 if there was none. */
  attestedUntil: number
  /** Of the endpoint that it wants, of the present one when it wants none or only the present one passed. */
  examination: Examination
  /** The present endpoint, when the one that it wants passed: attesting it moves the server. */
  movesFrom: string | undefined
  /** The endpoint that it wants and was not found at, when the present one passed in its place. */
  missed: { endpoint: string; faults: string[] } | undefined
}

/**
 * Examines a registered server from outside. A server that wants to move is examined at the wanted endpoint, and at the present one
 * when that fails.
 * @throws CliError `unknown_server`, `not_member`; viem's errors
 */
export async function examineServer(deployed: Deployed, id: number): Promise<Examined> {
  const server = await readServer(deployed, id)
  if (!isMember(server))
    throw new CliError('checkFailed', 'not_member', `Server ${id} has left its neighborhood: nothing can be attested of it.`)
  const { present, proposed } = await readEndpoints(deployed, id, server)
  const at = (endpoint: string) => examine(subjectOf(deployed, id, { server, endpoint }))
  const first = await at(proposed ?? present)
  const second = first.passed || proposed === undefined ? undefined : await at(present)
  const examination = second?.passed ? second : first
  const { neighborhood, operator, validUntil } = server
  const attestedUntil = examination.endpoint === present ? validUntil : 0
  const movesFrom = first.passed && proposed !== undefined ? present : undefined
  const missed = second?.passed ? { endpoint: first.endpoint, faults: faultsOf(first) } : undefined
  return { server: id, neighborhood, operator, attestedUntil, examination, movesFrom, missed }
}

function subjectOf(deployed: Deployed, id: number, at: { server: ChainServer; endpoint: string }): Subject {
  const { chainId, serverRegistry } = deployed
  const { neighborhood, keyId } = at.server
  const subject = { chainId, serverRegistry, neighborhood, server: id, endpoint: at.endpoint }
  return { ...subject, keyId: `0x${keyId.slice(2).toLowerCase()}`, formerKeyUntil: (key) => readFormerKey(deployed, id, key) }
}

/**
 * Makes every check, one after the other over one connection.
 * @param ca certificates to trust in place of the system's, PEM
 */
export async function examine(subject: Subject, ca?: string): Promise<Examination> {
  const probe = new Probe(subject.endpoint, ca)
  const results: Check[] = []
  const plain = new URL(subject.endpoint).protocol === 'http:'
  let stopped = false
  let keyId = subject.keyId
  try {
    for (const { essential, run, ...names } of checks) {
      const result: Omit<Check, 'name'> = stopped ? { passed: false, detail: NOT_EXAMINED } : await outcomeOf(run(subject, probe))
      results.push({ name: plain ? (names.plainName ?? names.name) : names.name, ...result })
      stopped ||= essential === true && !result.passed
    }
    if (!stopped) keyId = await keyOf(subject, probe)
  } finally {
    probe.close()
  }
  const { spkiHash = zeroHash, validUntil } = probe.certificate ?? {}
  const { chainId, serverRegistry, neighborhood, server, endpoint } = subject
  const place = { chainId, serverRegistry: serverRegistry.toLowerCase(), neighborhood, server, endpoint, keyId, spkiHash }
  const report: Report = { v: 1, ...place, checks: results.map(({ name, passed }) => ({ name, passed })) }
  return {
    passed: results.every(({ passed }) => passed),
    endpoint,
    checks: results,
    spkiHash,
    certificateUntil: validUntil,
    report,
    reportHash: keccak256(stringToBytes(canonicalJson({ ...report }))),
  }
}

function outcomeOf(run: Promise<string | void>): Promise<Omit<Check, 'name'>> {
  return run.then(
    (detail) => (typeof detail === 'string' ? { passed: true, detail } : { passed: true }),
    (error: unknown) => ({ passed: false, detail: describe(error) }),
  )
}

/** In a sentence's part what became of a move that a server wants; undefined when it wants none. */
export function moveOf({ movesFrom, missed }: Pick<Examined, 'movesFrom' | 'missed'>): string | undefined {
  if (movesFrom !== undefined) return `it moves here from ${movesFrom}`
  return missed && `it wants to move to ${missed.endpoint}, which fails (${missed.faults.join('; ')})`
}

/** What is wrong with a server that did not pass, for people: what was not examined is left out. */
export function faultsOf({ checks: results }: Examination): string[] {
  return results.flatMap(({ name, passed, detail }) => (passed || detail === NOT_EXAMINED ? [] : [`${name}: ${detail}`]))
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  if (error.name === 'TimeoutError' || error.name === 'AbortError') return 'it does not answer in time'
  const { message, cause } = error
  return message || (cause instanceof Error ? cause.message : 'code' in error ? String(error.code) : error.name)
}
