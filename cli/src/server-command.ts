import { Args, type Command, Flags } from '@oclif/core'
import { askText } from './ask.ts'
import { RegistryCommand } from './registry-command.ts'
import { parseId } from './units.ts'

/** The argument and the flag that name a server. */
export const serverArgs = { server: Args.string({ description: 'Id of the server' }) }
export const serverFlags = { server: Flags.string({ description: 'Id of the server' }) }

/** A command about one server. */
export abstract class ServerCommand<T extends typeof Command> extends RegistryCommand<T> {
  /** @throws CliError `missing_value`, `invalid_value` */
  protected async serverId(given: string | undefined): Promise<number> {
    return parseId(await askText(given, { flag: 'server', what: 'the id of the server' }), 'The id of a server')
  }
}
