import { Flags } from '@oclif/core'
import { chainFlags, discoveryFlags, neighborhoodFlags, walletFlags } from '../../flags.ts'
import { neighborhoodArgs, NeighborhoodCommand } from '../../neighborhood-command.ts'

export default class NeighborhoodResume extends NeighborhoodCommand<typeof NeighborhoodResume> {
  static override summary = 'Allow registrations, of one neighborhood or everywhere'
  static override description =
    'By the wallet of the owner or the guardian; everywhere by that of the guardian of the registry. Nothing else is ever paused.'
  static override args = neighborhoodArgs
  static override flags = {
    everywhere: Flags.boolean({ description: 'In every neighborhood of the registry' }),
    ...neighborhoodFlags,
    ...walletFlags,
    ...discoveryFlags,
    ...chainFlags,
  }

  async run(): Promise<void> {
    const { everywhere } = this.flags
    // To the registry, 0 is every neighborhood.
    const id = everywhere ? 0 : await this.neighborhoodId(this.args.id)
    const sent = await this.setPaused(id, false)
    const where = everywhere ? 'everywhere' : `in neighborhood ${id}`
    const document = { neighborhood: everywhere ? null : String(id), registrationsPaused: false }
    if (!sent)
      return this.output.result({ ...document, transaction: null }, () => `Registrations ${where} are not paused: nothing is sent.`)
    this.finish(sent, document, () => `Registrations ${where} go on.`)
  }
}
