import { CliError } from './errors.ts'

/** Prompts go to stderr: stdout is for results. */
const context = { output: process.stderr }

export function isInteractive(): boolean {
  return Boolean(process.stdin.isTTY && process.stderr.isTTY)
}

/** What to ask for and the flag that answers without asking. */
export interface Question {
  flag: string
  /** Noun phrase, e.g. "the name of the neighborhood". */
  what: string
}

/**
 * A text from the flag, else from the person at the terminal.
 * @throws CliError `missing_value` when nobody is there to ask
 */
export async function askText(given: string | undefined, question: Question): Promise<string> {
  if (given !== undefined && given !== '') return given
  refuseWithoutTerminal(question)
  const { input } = await import('@inquirer/prompts')
  return input({ message: `${capital(question.what)}:`, required: true }, context)
}

/** As {@link askText}, from a list. */
export async function askChoice<T extends string>(given: T | undefined, choices: readonly T[], question: Question): Promise<T> {
  if (given !== undefined) return given
  refuseWithoutTerminal(question)
  const { select } = await import('@inquirer/prompts')
  return select({ message: `${capital(question.what)}:`, choices: choices.map((value) => ({ value, name: value })) }, context)
}

/** A password, never shown. With `confirm` it is asked twice. */
export async function askPassword(question: Question, options: { confirm: boolean }): Promise<string> {
  refuseWithoutTerminal(question)
  const { password } = await import('@inquirer/prompts')
  const first = await password({ message: `${capital(question.what)}:`, mask: true }, context)
  if (options.confirm && (await password({ message: 'The same again:', mask: true }, context)) !== first) {
    throw new CliError('usage', 'password_mismatch', 'The two passwords differ: run the command again.')
  }
  return first
}

function refuseWithoutTerminal({ flag, what }: Question): void {
  if (!isInteractive()) throw new CliError('usage', 'missing_value', `Say ${what}: set --${flag}.`)
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1)
}
