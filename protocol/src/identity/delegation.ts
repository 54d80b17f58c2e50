import { sha256, utf8 } from '../encoding.ts'
import { Type } from '../type.ts'
import { deviceUri, type NeighborhoodRef, neighborhoodUri } from './neighborhood-ref.ts'

export const Wallet = Type.String({ pattern: '^0x[0-9a-f]{40}$', description: 'Address of a wallet, lowercase' })

/** The `resources` of a delegation: the neighborhood, then the device. */
export function delegationResources(ref: NeighborhoodRef, key: string): [string, string] {
  return [neighborhoodUri(ref), deviceUri(key)]
}

/** The `nonce` of a delegation, which binds it to the device in wallets that show no resources: SHA-256 of both resources, hexadecimal. */
export function delegationNonce(ref: NeighborhoodRef, key: string): string {
  const digest = sha256(utf8(delegationResources(ref, key).join('\n')))
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('')
}

export interface DelegationFields {
  /** Of the wallet, with the checksum of EIP-55. */
  address: string
  /** Host, and port if it is not the default one, of the page or program that asks. */
  domain: string
  /** Of the same host. */
  uri: string
  /** Unix milliseconds. */
  issuedAt: number
  /** Unix milliseconds, at most 30 days after `issuedAt`. */
  expiresAt: number
}

/** The EIP-4361 text by which a wallet lets a device act for it at every server of a neighborhood. */
export function delegationText(ref: NeighborhoodRef, key: string, fields: DelegationFields): string {
  const { address, domain, uri, issuedAt, expiresAt } = fields
  return [
    `${domain} wants you to sign in with your Ethereum account:`,
    address,
    '',
    'Let this device act for me in Dred.',
    '',
    `URI: ${uri}`,
    'Version: 1',
    `Chain ID: ${ref.chainId}`,
    `Nonce: ${delegationNonce(ref, key)}`,
    `Issued At: ${new Date(issuedAt).toISOString()}`,
    `Expiration Time: ${new Date(expiresAt).toISOString()}`,
    'Resources:',
    ...delegationResources(ref, key).map((resource) => `- ${resource}`),
  ].join('\n')
}
