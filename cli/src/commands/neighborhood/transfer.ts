import { Flags } from '@oclif/core'
import { askText } from '../../ask.ts'
import { neighborhoodArgs, neighborhoodChangeFlags, NeighborhoodCommand } from '../../neighborhood-command.ts'
import { addressOf } from '../../services/parameters.ts'

export default class NeighborhoodTransfer extends NeighborhoodCommand<typeof NeighborhoodTransfer> {
  static override summary = 'Offer a neighborhood to another owner, who has to accept it'
  static override description = "By the owner's wallet. The zero address takes an offer back."
  static override args = neighborhoodArgs
  static override flags = {
    to: Flags.string({ description: 'Account of the new owner', helpValue: 'ADDRESS' }),
    ...neighborhoodChangeFlags,
  }

  async run(): Promise<void> {
    const id = await this.neighborhoodId(this.args.id)
    const to = addressOf(await askText(this.flags.to, { flag: 'to', what: 'the account of the new owner' }), 'to')
    const sent = await this.change(id, { label: 'offer ownership', functionName: 'transferOwnership', args: [to] })
    this.finish(
      sent,
      { neighborhood: String(id), offeredTo: to },
      () => `Neighborhood ${id} is offered to ${to}: dred neighborhood accept ${id}`,
    )
  }
}
