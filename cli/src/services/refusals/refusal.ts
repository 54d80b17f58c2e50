import { duration, time } from '../../units.ts'

/** What a refusal of a contract means to a person: [code, sentence]. Amounts are in the token's smallest unit. */
export type Refusal = (args: readonly unknown[]) => [code: string, sentence: string]

export function at(args: readonly unknown[], index: number): string {
  return String(args[index])
}

/** A time of the chain (Unix seconds), for people. */
export function timeAt(args: readonly unknown[], index: number): string {
  return time(Number(args[index]))
}

/** A duration of the chain (seconds), for people. */
export function durationAt(args: readonly unknown[], index: number): string {
  return duration(Number(args[index]))
}
