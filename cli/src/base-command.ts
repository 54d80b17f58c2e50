import { setFlagsFromString } from 'node:v8'
import { Command, Flags, type Interfaces } from '@oclif/core'
import { Config } from './config.ts'
import { unmarked } from './dashed-ids.ts'
import { CliError } from './errors.ts'
import { explain } from './explain.ts'
import { Output } from './output.ts'

export type FlagsOf<T extends typeof Command> = Interfaces.InferredFlags<(typeof BaseCommand)['baseFlags'] & T['flags']>
export type ArgsOf<T extends typeof Command> = Interfaces.InferredArgs<T['args']>

/** What every command shares: `--json`, `--config`, and how it ends. Commands implement `run` and print by `this.output`. */
export abstract class BaseCommand<T extends typeof Command> extends Command {
  static override baseFlags = {
    json: Flags.boolean({ description: 'Print one JSON document on stdout, everything else on stderr', helpGroup: 'GLOBAL' }),
    config: Flags.string({
      description: 'Read this file in place of ./dred.toml and the user configuration',
      helpGroup: 'GLOBAL',
      helpValue: 'FILE',
    }),
  }

  protected flags!: FlagsOf<T>
  protected args!: ArgsOf<T>
  /** What stands on the command line beside the flags. */
  protected operands: string[] = []
  protected output = new Output(this.argv.includes('--json'))
  #settings: Config | undefined

  override async init(): Promise<void> {
    // See bin/run.js: everything that this command needs at once is loaded now.
    setFlagsFromString('--semi-space-growth-factor=2')
    await super.init()
    const { args, argv, flags } = await this.parse({
      flags: this.ctor.flags,
      baseFlags: this.ctor.baseFlags,
      args: this.ctor.args,
      strict: this.ctor.strict,
    })
    this.flags = unmarked(flags) as FlagsOf<T>
    this.args = unmarked(args) as ArgsOf<T>
    this.operands = unmarked(argv.map(String))
    this.output = new Output(this.flags.json)
    // A file that is named has to be there, even for a command that takes nothing from it.
    if (this.flags.config !== undefined) this.loadSettings()
  }

  /** The layered settings, read when first asked for. */
  protected get settings(): Config {
    return this.loadSettings().sound()
  }

  /** The same, though files may have names in them that are no settings. */
  protected loadSettings(): Config {
    this.#settings ??= Config.load({ flags: this.flags, env: process.env, cwd: process.cwd() })
    return this.#settings
  }

  override async catch(error: Error): Promise<void> {
    // `this.exit(code)` of oclif, help for one.
    if ('code' in error && error.code === 'EEXIT') throw error
    const end = error instanceof CliError ? error : explain(error, this.#rpcUrl())
    this.output.error(end)
    if (process.env['DRED_DEBUG']) this.output.note(String(end.cause instanceof Error ? end.cause.stack : end.stack))
    process.exitCode = end.exitCode
    // What could not be parsed has been said; oclif would take it for forgotten.
    this.parsed = true
  }

  #rpcUrl(): string | undefined {
    try {
      return this.#settings?.text('chain.rpcUrl')
    } catch {
      return undefined
    }
  }
}
