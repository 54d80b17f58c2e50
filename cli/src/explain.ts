import { BaseError } from 'viem'
import { CliError } from './errors.ts'
import { explainChainError } from './services/chain-errors.ts'

/** Any thrown value as an expected end: codes and one sentence. What nobody foresaw ends as `internal`. */
export function explain(error: unknown, rpcUrl = 'the configured address'): CliError {
  if (error instanceof CliError) return error
  if (error instanceof BaseError) {
    const explained = explainChainError(error, rpcUrl)
    if (explained) return explained
  }
  if (!(error instanceof Error))
    return new CliError('failure', 'internal', { message: `Something unforeseen failed: ${String(error)}`, cause: error })
  if (error.name === 'ExitPromptError' || error.name === 'AbortPromptError') return interrupted()
  if (isUsageError(error)) return new CliError('usage', 'usage', { message: oneLine(error.message), cause: error })
  return new CliError('failure', 'internal', { message: oneLine(error.message) || error.name, cause: error })
}

export function interrupted(): CliError {
  return new CliError('interrupted', 'interrupted', 'Stopped.')
}

/** oclif marks what the parser refuses with its exit code 2. */
function isUsageError(error: Error): boolean {
  return 'oclif' in error && typeof error.oclif === 'object' && error.oclif !== null && 'exit' in error.oclif && error.oclif.exit === 2
}

function oneLine(message: string): string {
  return message
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
    .join(' ')
}
