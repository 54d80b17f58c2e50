import { delegationNonce, delegationResources, DredError, limits, type NeighborhoodRef } from '@dred/protocol'
import { createSiweMessage, parseSiweMessage, type SiweMessage } from 'viem/siwe'

/** A delegation as its text says. */
export interface DelegationClaims {
  /** Lowercase. */
  wallet: `0x${string}`
  /** Unix ms. */
  issuedAt: number
  /** Unix ms. */
  expiresAt: number
}

export interface DelegationRules {
  ref: NeighborhoodRef
  /** Device key that the delegation has to name. */
  key: string
  /** Unix ms. */
  now: number
  /** Domains that are taken; empty for any. */
  domains: readonly string[]
}

/**
 * Judges everything in a delegation but the wallet's signature.
 * @throws DredError `delegation_refused` with the reason
 */
export function readDelegation(text: string, { ref, key, now, domains }: DelegationRules): DelegationClaims {
  const message = parse(text)
  const { domain, uri, chainId, nonce, resources = [], issuedAt, expirationTime, notBefore } = message
  if (domains.length > 0 && !domains.includes(domain)) refuse(`its domain is ${domain}, which this server does not take`)
  if (hostOf(uri) !== domain.toLowerCase()) refuse(`its URI is not of its domain ${domain}`)
  if (chainId !== ref.chainId) refuse(`it is for chain ${chainId}, not ${ref.chainId}`)
  const [neighborhood, device] = delegationResources(ref, key)
  if (!resources.includes(neighborhood)) refuse(`its resources do not name ${neighborhood}`)
  if (!resources.includes(device)) refuse('its resources do not name the device key')
  if (nonce !== delegationNonce(ref, key)) refuse('its nonce is not that of the neighborhood and the device key')
  const [from, to, begin] = [timeOf(issuedAt), timeOf(expirationTime), notBefore && timeOf(notBefore)]
  if (from === undefined || from > now + limits.clockSkewMs) refuse('it was not issued yet')
  if (to === undefined) refuse('it has no expiration time')
  if (to - from > limits.delegationMs) refuse('it lasts longer than 30 days')
  if (to <= now) refuse('it has expired')
  if (notBefore && (begin === undefined || begin > now)) refuse('it does not hold yet')
  return { wallet: message.address.toLowerCase() as `0x${string}`, issuedAt: from, expiresAt: to }
}

/** Takes only what is EIP-4361 from the first to the last character: a wallet may have signed that for something else which merely contains it. */
function parse(text: string): SiweMessage {
  const parsed = parseSiweMessage(text)
  try {
    const message = { ...parsed, issuedAt: parsed.issuedAt } as SiweMessage
    if (sameButForDates(createSiweMessage(message), text)) return message
  } catch {
    // Told below.
  }
  return refuse('its text is not an EIP-4361 message of version 1')
}

/** A date may be written in several ways. */
function sameButForDates(written: string, text: string): boolean {
  const lines = written.split('\n')
  const given = text.split('\n')
  return lines.length === given.length && lines.every((line, at) => line === given[at] || isDate(line, given[at] ?? ''))
}

function isDate(line: string, given: string): boolean {
  const label = /^(Issued At|Expiration Time|Not Before): /.exec(line)?.[0]
  return label !== undefined && given.startsWith(label)
}

function hostOf(uri: string): string | undefined {
  try {
    return new URL(uri).host
  } catch {
    return undefined
  }
}

function timeOf(date: Date | undefined): number | undefined {
  const time = date?.getTime()
  return time === undefined || Number.isNaN(time) ? undefined : time
}

function refuse(reason: string): never {
  throw new DredError('delegation_refused', { detail: `The delegation does not hold: ${reason}` })
}
