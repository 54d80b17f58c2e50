import { resolve } from 'node:path'
import { type Address, getAddress, type Hex, isAddress, isHex, size, zeroAddress } from 'viem'
import { CliError } from '../errors.ts'
import { parseAmount, parseDuration } from '../units.ts'
import type { Admission, Attester, Parameters } from './neighborhoods.ts'
import { attestationModes } from './neighborhoods-on-chain.ts'
import { openP256Key } from './server-key.ts'

const HOUR_SECONDS = 3_600
const DAY_SECONDS = 24 * HOUR_SECONDS

/** What a new neighborhood asks unless told otherwise. */
export const defaultParameters = {
  unbondingSeconds: 7 * DAY_SECONDS,
  keyOverlapSeconds: DAY_SECONDS,
  attestationSeconds: 30 * DAY_SECONDS,
  maxChannelLifetimeSeconds: 30 * DAY_SECONDS,
  maxChannelIdleSeconds: 7 * DAY_SECONDS,
  maxMessageBytes: 65_536,
  maxServers: 16,
  redundancy: 3,
  slashPercent: 50,
  quorumNumerator: 2,
  quorumDenominator: 3,
  attestation: 0,
} as const satisfies Omit<Parameters, 'stakeToken' | 'minStake'>

/** Parameters as flags give them; what is left out stays as it is. */
export interface ParameterFlags {
  'min-stake'?: string | undefined
  unbonding?: string | undefined
  'key-overlap'?: string | undefined
  attestation?: string | undefined
  'attested-by'?: string | undefined
  'max-servers'?: number | undefined
  redundancy?: number | undefined
  'slash-percent'?: number | undefined
  quorum?: string | undefined
  'max-channel-lifetime'?: string | undefined
  'max-channel-idle'?: string | undefined
  'max-message-bytes'?: number | undefined
}

/**
 * The parameters with what the flags change.
 * @param decimals of the stake token
 * @throws CliError `invalid_value`
 */
export function changeParameters(base: Parameters, flags: ParameterFlags, decimals: number): Parameters {
  const seconds = (flag: keyof ParameterFlags, before: number) => {
    const given = flags[flag]
    return given === undefined ? before : parseDuration(String(given), flag)
  }
  const leastStake = flags['min-stake']
  const attestedBy = flags['attested-by']
  return {
    stakeToken: base.stakeToken,
    minStake: leastStake === undefined ? base.minStake : parseAmount(leastStake, decimals, 'min-stake'),
    unbondingSeconds: seconds('unbonding', base.unbondingSeconds),
    keyOverlapSeconds: seconds('key-overlap', base.keyOverlapSeconds),
    attestationSeconds: seconds('attestation', base.attestationSeconds),
    maxChannelLifetimeSeconds: seconds('max-channel-lifetime', base.maxChannelLifetimeSeconds),
    maxChannelIdleSeconds: seconds('max-channel-idle', base.maxChannelIdleSeconds),
    maxMessageBytes: flags['max-message-bytes'] ?? base.maxMessageBytes,
    maxServers: flags['max-servers'] ?? base.maxServers,
    redundancy: flags.redundancy ?? base.redundancy,
    slashPercent: flags['slash-percent'] ?? base.slashPercent,
    ...quorumOf(flags.quorum, base),
    attestation: attestedBy === undefined ? base.attestation : attestationModes.findIndex((mode) => mode === attestedBy),
  }
}

type Quorum = Pick<Parameters, 'quorumNumerator' | 'quorumDenominator'>

function quorumOf(text: string | undefined, { quorumNumerator, quorumDenominator }: Quorum): Quorum {
  if (text === undefined) return { quorumNumerator, quorumDenominator }
  const [, numerator, denominator] = /^(\d{1,3})\/(\d{1,3})$/.exec(text) ?? []
  const [n, d] = [Number(numerator), Number(denominator)]
  if (!(n <= 255 && d <= 255)) throw invalid('quorum', 'a share of the attesters like 2/3', text)
  return { quorumNumerator: n, quorumDenominator: d }
}

/** How flags say who may register. */
export interface AdmissionFlags {
  admission: string
  'gate-token'?: string | undefined
  'gate-balance'?: string | undefined
}

/** @throws CliError `invalid_value`, `missing_value` for a gate without its token */
export function admissionOf(flags: AdmissionFlags): Admission {
  const { admission, 'gate-token': token, 'gate-balance': balance } = flags
  const gated = admission === 'token-gate'
  if (!gated && (token !== undefined || balance !== undefined))
    throw new CliError('usage', 'invalid_value', `--gate-token and --gate-balance belong to --admission token-gate, not ${admission}.`)
  if (!gated) return { mode: admission === 'allowlist' ? 1 : 0, gateToken: zeroAddress, gateBalance: 0n }
  if (token === undefined) throw new CliError('usage', 'missing_value', 'Say which token opens the gate: set --gate-token.')
  if (balance !== undefined && !/^\d+$/.test(balance)) throw invalid('gate-balance', "a whole number of the token's smallest unit", balance)
  return { mode: 2, gateToken: addressOf(token, 'gate-token'), gateBalance: BigInt(balance ?? 1) }
}

/**
 * Attesters from `ACCOUNT:KEY`, KEY being the id of a P-256 key or the file of one; in the order that the registry asks for.
 * @throws CliError `invalid_value`, `key_file`
 */
export async function attestersOf(texts: readonly string[]): Promise<Attester[]> {
  const attesters = await Promise.all(
    texts.map(async (text) => {
      const colon = text.indexOf(':')
      const [account, key] = [text.slice(0, Math.max(colon, 0)), text.slice(colon + 1)]
      if (!isAddress(account, { strict: false }) || key === '') throw invalid('attester', 'ACCOUNT:KEY', text)
      const keyId = isAddress(key, { strict: false }) ? key : (await openP256Key(resolve(key))).keyId
      return { account: getAddress(account), keyId }
    }),
  )
  return attesters.sort((a, b) => (BigInt(a.account) < BigInt(b.account) ? -1 : 1))
}

/** @throws CliError `invalid_value` */
export function addressOf(text: string, flag: string): Address {
  if (!isAddress(text, { strict: false })) throw invalid(flag, 'an address (0x and 40 hexadecimal digits)', text)
  return getAddress(text)
}

/** @throws CliError `invalid_value` */
export function hashOf(text: string, flag: string): Hex {
  if (!isHex(text) || size(text) !== 32) throw invalid(flag, '0x and 64 hexadecimal digits', text)
  return text
}

function invalid(flag: string, expected: string, text: string): CliError {
  return new CliError('usage', 'invalid_value', `--${flag} has to be ${expected}, not ${text}.`)
}
