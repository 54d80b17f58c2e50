/** Why a command ended, for scripts. The same codes for every command. */
export const exitCodes = {
  ok: 0,
  failure: 1,
  usage: 2,
  reverted: 3,
  auth: 4,
  unreachable: 5,
  checkFailed: 6,
  conflict: 7,
  pending: 75,
  interrupted: 130,
} as const

export type ExitReason = keyof typeof exitCodes

/** An expected end of a command: one sentence that says what to do, a code for programs and the reason that gives the exit code. */
export class CliError extends Error {
  override readonly name = 'CliError'
  readonly reason: ExitReason
  /** Stable, lower_snake_case. */
  readonly code: string

  constructor(reason: ExitReason, code: string, message: string | { message: string; cause: unknown }) {
    super(typeof message === 'string' ? message : message.message, typeof message === 'string' ? undefined : { cause: message.cause })
    this.reason = reason
    this.code = code
  }

  get exitCode(): number {
    return exitCodes[this.reason]
  }
}
