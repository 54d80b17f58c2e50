import { formatUnits, parseUnits } from 'viem'
import { CliError } from './errors.ts'

const SECONDS: Record<string, number> = { s: 1, m: 60, h: 3_600, d: 86_400 }

/**
 * Seconds of a duration such as `90s`, `12h` or `7d`; a bare number is seconds.
 * @throws CliError `invalid_value`
 */
export function parseDuration(text: string, flag: string): number {
  const match = /^(\d+)([smhd]?)$/.exec(text)
  const seconds = Number(match?.[1]) * (SECONDS[match?.[2] || 's'] ?? Number.NaN)
  if (!Number.isSafeInteger(seconds)) throw invalid(flag, 'a duration like 90s, 12h or 7d', text)
  return seconds
}

/** Seconds for people: `7 d`, `36 h`, `90 s`. */
export function duration(seconds: number): string {
  const unit = ['d', 'h', 'm', 's'].find((name) => seconds % (SECONDS[name] ?? 1) === 0 && seconds >= (SECONDS[name] ?? 1)) ?? 's'
  return `${seconds / (SECONDS[unit] ?? 1)} ${unit}`
}

/** How long something lasts still, in the largest unit of which there are two: `29 d`, `47 h`, `119 m`. */
export function remaining(seconds: number): string {
  const unit = ['d', 'h', 'm'].find((name) => seconds >= 2 * (SECONDS[name] ?? 1)) ?? 's'
  return `${Math.floor(seconds / (SECONDS[unit] ?? 1))} ${unit}`
}

/** A number of things: `1 server`, `3 servers`. */
export function count(number: number, thing: string): string {
  return `${number} ${thing}${number === 1 ? '' : 's'}`
}

/** A time of the chain (Unix seconds) for people, in UTC. */
export function time(seconds: number): string {
  return new Date(seconds * 1000).toISOString().replace('.000', '')
}

/**
 * An amount in the token's smallest unit.
 * @param text decimal amount of whole tokens, e.g. `100` or `0.5`
 * @throws CliError `invalid_value`
 */
export function parseAmount(text: string, decimals: number, flag: string): bigint {
  const fraction = text.split('.')[1] ?? ''
  if (!/^\d+(\.\d+)?$/.test(text) || fraction.length > decimals) {
    throw invalid(flag, `an amount with at most ${decimals} decimals, like 100 or 0.5`, text)
  }
  return parseUnits(text, decimals)
}

export function formatAmount(amount: bigint, token: { decimals: number; symbol: string }): string {
  return `${formatUnits(amount, token.decimals)} ${token.symbol}`
}

/**
 * A registry id, 1 to 2^32 − 1.
 * @throws CliError `invalid_value`
 */
export function parseId(text: string, what: string): number {
  const id = Number(text)
  if (!/^[1-9]\d{0,9}$/.test(text) || id > 0xffff_ffff)
    throw new CliError('usage', 'invalid_value', `${what} is a number from 1 on, not ${text}.`)
  return id
}

function invalid(flag: string, expected: string, text: string): CliError {
  return new CliError('usage', 'invalid_value', `--${flag} has to be ${expected}, not ${text}.`)
}
