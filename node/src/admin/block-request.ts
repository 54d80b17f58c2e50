import { isIP } from 'node:net'
import { DredError } from '@dred/protocol'
import { addressKey } from '../limits/address.ts'
import { type Blockable, blockable } from '../limits/blocks.ts'

const MAX_SECONDS = 31_536_000
const NAMES: Record<Exclude<Blockable, 'address'>, RegExp> = {
  device: /^[A-Za-z0-9_-]{43}$/,
  channel: /^[A-Za-z0-9_-]{43}$/,
  wallet: /^0x[0-9a-f]{40}$/,
}

/**
 * Whom a request names: exactly one of `address`, `device`, `wallet` and `channel`.
 * @throws DredError `malformed_request`
 */
export function readBlockable(fields: Readonly<Record<string, unknown>>): { kind: Blockable; key: string } {
  const [kind, ...more] = blockable.filter((name) => fields[name] !== undefined)
  if (kind === undefined || more.length > 0) throw malformed(`It takes exactly one of ${blockable.join(', ')}`)
  const value = fields[kind]
  if (typeof value !== 'string') throw malformed(`${kind} has to be text`)
  if (kind === 'address') {
    const ip = value.includes(':') ? value.replace(/\/64$/, '') : value
    if (isIP(ip) === 0) throw malformed('address has to be an IP address')
    return { kind, key: addressKey(ip) }
  }
  const key = kind === 'wallet' ? value.toLowerCase() : value
  if (!NAMES[kind].test(key)) throw malformed(`That is no ${kind}`)
  return { kind, key }
}

/** @throws DredError `malformed_request` */
export function readSeconds({ seconds }: Readonly<Record<string, unknown>>): number {
  if (typeof seconds === 'number' && Number.isInteger(seconds) && seconds >= 1 && seconds <= MAX_SECONDS) return seconds
  throw malformed(`seconds has to be a whole number from 1 to ${MAX_SECONDS}`)
}

export function malformed(detail: string): DredError {
  return new DredError('malformed_request', { detail })
}
