import { Config, flush, run, settings } from '@oclif/core'
import { markIds } from './dashed-ids.ts'
import { CliError } from './errors.ts'
import { explain } from './explain.ts'
import { Output } from './output.ts'
import { suggest } from './settings.ts'

/**
 * Runs one command line and sets the exit code.
 * @param argv what follows the program's name
 * @param url module that was started, inside the package
 */
export async function main(argv: string[], url: string): Promise<void> {
  // oclif would look for sources to transpile, fail on TypeScript 7 and silently run what it finds. Only dist runs.
  settings.enableAutoTranspile = false
  const args = markIds(globalFlagsLast(argv))
  const config = await Config.load(url)
  try {
    await run(args, config)
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIT') {
      process.exitCode = 'oclif' in error && typeof error.oclif === 'object' ? Number(Object(error.oclif).exit ?? 0) : 0
      return
    }
    const end = explainUnknownCommand(args, { error, commands: config.commandIDs }) ?? explain(error)
    new Output(args.includes('--json')).error(end)
    process.exitCode = end.exitCode
  } finally {
    await flush()
  }
}

/** `dred --config FILE noun verb` as `dred noun verb --config FILE`: oclif takes flags only after the command. */
export function globalFlagsLast(argv: readonly string[]): string[] {
  const leading: string[] = []
  const rest = [...argv]
  while (rest.length > 0) {
    const [flag = ''] = rest
    if (flag === '--json' || flag.startsWith('--config=')) leading.push(...rest.splice(0, 1))
    else if (flag === '--config') leading.push(...rest.splice(0, 2))
    else break
  }
  const end = rest.indexOf('--')
  return end === -1 ? [...rest, ...leading] : [...rest.slice(0, end), ...leading, ...rest.slice(end)]
}

function explainUnknownCommand(
  args: readonly string[],
  { error, commands }: { error: unknown; commands: readonly string[] },
): CliError | undefined {
  const match = error instanceof Error ? /^command (.+) not found$/i.exec(error.message) : null
  if (!match) return undefined
  const words = args.filter((word) => !word.startsWith('-')).slice(0, 2)
  const names = commands.map((id) => id.replaceAll(':', ' '))
  const near = suggest(words.join(' '), names) ?? suggest(words[0] ?? '', names)
  const hint = near ? `did you mean \`dred ${near}\`?` : 'see `dred --help`.'
  return new CliError('usage', 'unknown_command', `There is no command ${(match[1] ?? '').replaceAll(':', ' ')}: ${hint}`)
}
