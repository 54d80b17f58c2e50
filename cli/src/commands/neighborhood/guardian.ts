import { Flags } from '@oclif/core'
import { zeroAddress } from 'viem'
import { CliError } from '../../errors.ts'
import { neighborhoodArgs, neighborhoodChangeFlags, NeighborhoodCommand } from '../../neighborhood-command.ts'
import { addressOf } from '../../services/parameters.ts'

export default class NeighborhoodGuardian extends NeighborhoodCommand<typeof NeighborhoodGuardian> {
  static override summary = 'Name the account that may pause registrations beside the owner'
  static override description = "By the owner's wallet."
  static override args = neighborhoodArgs
  static override flags = {
    to: Flags.string({ description: 'Account of the guardian', helpValue: 'ADDRESS' }),
    none: Flags.boolean({ description: 'Have no guardian', exclusive: ['to'] }),
    ...neighborhoodChangeFlags,
  }

  async run(): Promise<void> {
    const id = await this.neighborhoodId(this.args.id)
    const { to, none } = this.flags
    if (to === undefined && !none) throw new CliError('usage', 'missing_value', 'Say who guards: set --to, or --none.')
    const guardian = to === undefined ? zeroAddress : addressOf(to, 'to')
    const sent = await this.change(id, { label: 'set guardian', functionName: 'setGuardian', args: [guardian] })
    this.finish(sent, { neighborhood: String(id), guardian: to === undefined ? null : guardian }, () =>
      to === undefined ? `Neighborhood ${id} has no guardian.` : `${guardian} guards neighborhood ${id}.`,
    )
  }
}
