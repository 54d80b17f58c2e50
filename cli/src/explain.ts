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
  const fromNetwork = explainClientError(error)
  if (fromNetwork) return fromNetwork
  if (isUsageError(error)) return new CliError('usage', 'usage', { message: usageSentence(error.message), cause: error })
  return new CliError('failure', 'internal', { message: oneLine(error.message) || error.name, cause: error })
}

export function interrupted(): CliError {
  return new CliError('interrupted', 'interrupted', 'Stopped.')
}

const unreachable = [
  'network',
  'discovery_unreachable',
  'no_servers',
  'offline',
  'timeout',
  'store_unavailable',
  'not_serving',
  'shutting_down',
]
const denied = ['invalid_signature', 'weak_key', 'unregistered_peer']

/** An error of the SDK, known by its name: most commands never load the SDK. */
function explainClientError(error: Error): CliError | undefined {
  if (error.name !== 'DredClientError' || !('code' in error) || typeof error.code !== 'string') return undefined
  const { code } = error
  const reason = unreachable.includes(code)
    ? 'unreachable'
    : denied.includes(code)
      ? 'auth'
      : code.startsWith('malformed')
        ? 'usage'
        : 'failure'
  const where = 'server' in error && typeof error.server === 'string' ? ` (${error.server})` : ''
  const hint = reason === 'unreachable' ? ': check --discovery, or try again later' : ''
  return new CliError(reason, code, { message: `${oneLine(error.message).replace(/\.$/, '')}${where}${hint}.`, cause: error })
}

/** oclif marks what the parser refuses with its exit code 2. */
function isUsageError(error: Error): boolean {
  return 'oclif' in error && typeof error.oclif === 'object' && error.oclif !== null && 'exit' in error.oclif && error.oclif.exit === 2
}

/** The parser's own words, as one sentence; they end with a hint on a line of its own. */
function usageSentence(message: string): string {
  const said = oneLine(message.replace(/See more help with --help\s*$/, ''))
    .replace(/[.:]$/, '')
    .replace(/^The following errors? occurred: /, '')
    .replace(/^Parsing (--\S+) Expected (.+?),? but received: (.+)$/, '$1 has to be $2, not $3')
    .replace(/^Expected (--\S+)=(.+) to be one of: (.+)$/, '$1 has to be one of $3, not $2')
    .replace(/^Missing \d+ required args?: (\S+) +(.+)$/, 'The argument $1 is missing ($2)')
    .replace(/(--[\w-]+)(=\S*)? cannot also be provided when using/, '$1 cannot be given together with')
    .replace(/^All of the following must be provided when using (--\S+): (.+)$/, '$1 needs $2')
    .replace(/^Nonexistent flag: (\S+)$/, 'There is no flag $1')
  return `${said}: see --help.`
}

function oneLine(message: string): string {
  return message
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
    .join(' ')
}
