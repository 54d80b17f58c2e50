import { setTimeout as sleep } from 'node:timers/promises'
import type { Step } from '../steps.ts'
import { CliError } from '../errors.ts'

/** Parameters as discovery and this CLI's JSON have them. Amounts are decimal strings in the token's smallest unit. */
export interface ParametersView {
  stakeToken: string
  minStake: string
  unbondingSeconds: number
  keyOverlapSeconds: number
  attestationSeconds: number
  maxChannelLifetimeSeconds: number
  maxChannelIdleSeconds: number
  maxMessageBytes: number
  maxServers: number
  redundancy: number
  slashPercent: number
  quorumNumerator: number
  quorumDenominator: number
  /** `appointed` or `peers`. */
  attestation: string
}

/** A neighborhood as discovery and this CLI's JSON have it. Times are Unix seconds. */
export interface NeighborhoodView {
  id: string
  owner: string
  pendingOwner: string | null
  name: string
  uri: string
  contentHash: string
  createdAtBlock: number
  parameters: ParametersView
  /** Announced parameters, null when there are none. */
  staged: { parameters: ParametersView; effectiveAt: number } | null
  /** `mode` is `open`, `allowlist` or `token_gate`. */
  admission: { mode: string; gateToken: string | null; gateBalance: string | null }
  guardian: string | null
  registrationsPaused: boolean
  attestation: { mode: string; version: number; attesters: { number: number; account: string; keyId: string }[] }
  activeServers: number
  healthy: boolean
}

export interface ServerView {
  id: number
  neighborhood: string
  operator: string
  payout: string
  keyId: string
  endpoint: string
  did: string
  stake: string
  /** `pending`, `active`, `lapsed`, `exiting`, `withdrawn` or `slashed`. */
  status: string
  proposedEndpoint: string | null
  validUntil: number | null
  unlockAt: number | null
  registeredAtBlock: number
}

/** A JSON answer of a discovery API, or undefined for 404. The first address that answers is taken. */
async function get(urls: readonly string[], path: string): Promise<unknown> {
  let last: unknown
  for (const url of urls) {
    try {
      const response = await fetch(new URL(path, url), { signal: AbortSignal.timeout(10_000) })
      if (response.status === 404) return undefined
      if (response.ok) return await response.json()
      last = new Error(`HTTP ${response.status}`)
    } catch (error) {
      last = error
    }
  }
  throw new CliError('unreachable', 'discovery_unreachable', {
    message: `No discovery API answers at ${urls.join(', ')}: check --discovery (DRED_DISCOVERY, discovery).`,
    cause: last,
  })
}

/** All items of a paged list. */
async function all<T>(urls: readonly string[], path: string): Promise<T[]> {
  const items: T[] = []
  let cursor: string | null = ''
  while (cursor !== null) {
    const query: string = cursor === '' ? '' : `${path.includes('?') ? '&' : '?'}cursor=${encodeURIComponent(cursor)}`
    const page = (await get(urls, path + query)) as { items: T[]; next: string | null } | undefined
    items.push(...(page?.items ?? []))
    cursor = page?.next ?? null
  }
  return items
}

export function listNeighborhoods(urls: readonly string[]): Promise<NeighborhoodView[]> {
  return all<NeighborhoodView>(urls, '/v1/neighborhoods')
}

/** In the words of the registry's own refusal. */
export function unknownNeighborhood(id: number): CliError {
  return new CliError('reverted', 'unknown_neighborhood', `There is no neighborhood ${id}: see \`dred neighborhood list\`.`)
}

/** @returns undefined when discovery knows none of this id */
export async function showNeighborhood(urls: readonly string[], id: number): Promise<NeighborhoodView | undefined> {
  const body = (await get(urls, `/v1/neighborhoods/${id}`)) as { neighborhood: NeighborhoodView } | undefined
  return body?.neighborhood
}

/** Those of every status: discovery lists the active ones alone unless it is asked. */
export function listServers(urls: readonly string[], neighborhood: number): Promise<ServerView[]> {
  return all<ServerView>(urls, `/v1/neighborhoods/${neighborhood}/servers?status=all`)
}

/** Those that clients are given: active, their attestations holding. */
export function listActiveServers(urls: readonly string[], neighborhood: number): Promise<ServerView[]> {
  return all<ServerView>(urls, `/v1/neighborhoods/${neighborhood}/servers?status=active`)
}

/** @returns undefined when discovery knows none of this id */
export async function showServer(urls: readonly string[], id: number): Promise<ServerView | undefined> {
  const body = (await get(urls, `/v1/servers/${id}`)) as { server: ServerView } | undefined
  return body?.server
}

const INDEXING_TIMEOUT_MS = 60_000

/**
 * The last step of a transaction: discovery has read its block. None without a discovery API.
 * @param path resource whose body carries `block.number`
 * @param block asked for when the step runs
 * @throws CliError `not_indexed` (pending) after a minute, or at once when no discovery API answers: the transaction stands
 */
export function indexedStep(urls: readonly string[], path: () => string, block: () => bigint): Step[] {
  if (urls.length === 0) return []
  const run = async () => {
    const deadline = Date.now() + INDEXING_TIMEOUT_MS
    while (Date.now() < deadline) {
      const body = (await get(urls, path()).catch((cause: unknown) => {
        throw notIndexed(`no discovery API answers at ${urls.join(', ')}`, cause)
      })) as { block: { number: number } } | undefined
      if (body && BigInt(body.block.number) >= block()) return
      await sleep(200)
    }
    throw notIndexed('discovery does not show it yet')
  }
  return [{ title: 'indexed', run }]
}

function notIndexed(why: string, cause?: unknown): CliError {
  return new CliError('pending', 'not_indexed', { message: `The transaction is confirmed but ${why}: look again later.`, cause })
}
