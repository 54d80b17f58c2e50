import { neighborhoodArgs } from '../../neighborhood-command.ts'
import { RegistrationsCommand, registrationsFlags } from '../../registrations-command.ts'

export default class NeighborhoodResume extends RegistrationsCommand<typeof NeighborhoodResume> {
  static override summary = 'Allow registrations, of one neighborhood or everywhere'
  static override description =
    'By the wallet of the owner or the guardian; everywhere by that of the guardian of the registry. Nothing else is ever paused.'
  static override args = neighborhoodArgs
  static override flags = registrationsFlags

  async run(): Promise<void> {
    await this.setPaused({ everywhere: this.flags.everywhere, id: this.args.id }, false)
  }
}
