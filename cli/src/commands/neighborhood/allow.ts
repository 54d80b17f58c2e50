import { Flags } from '@oclif/core'
import { CliError } from '../../errors.ts'
import { neighborhoodArgs, neighborhoodChangeFlags, NeighborhoodCommand } from '../../neighborhood-command.ts'
import { addressOf } from '../../services/parameters.ts'

export default class NeighborhoodAllow extends NeighborhoodCommand<typeof NeighborhoodAllow> {
  static override summary = "Put operators on a neighborhood's list, or take them off"
  static override description = "By the owner's wallet. The list counts while admission is by allowlist. Registered servers stay."
  static override examples = ['<%= config.bin %> neighborhood allow 7 --operator 0x… --operator 0x…']
  static override args = neighborhoodArgs
  static override flags = {
    operator: Flags.string({
      description: 'Account of an operator; give it once for each',
      helpValue: 'ADDRESS',
      multiple: true,
      multipleNonGreedy: true,
    }),
    remove: Flags.boolean({ description: 'Take them off the list' }),
    ...neighborhoodChangeFlags,
  }

  async run(): Promise<void> {
    const id = await this.neighborhoodId(this.args.id)
    const operators = (this.flags.operator ?? []).map((text) => addressOf(text, 'operator'))
    if (operators.length === 0) throw new CliError('usage', 'missing_value', 'Say which operators: set --operator.')
    const allowed = !this.flags.remove
    const sent = await this.change(id, { label: 'change the list', functionName: 'setAllowed', args: [operators, allowed] })
    const what = allowed ? 'on' : 'off'
    this.finish(
      sent,
      { neighborhood: String(id), operators, allowed },
      () => `${operators.join(', ')}: ${what} the list of neighborhood ${id}.`,
    )
  }
}
