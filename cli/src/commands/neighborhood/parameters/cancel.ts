import { neighborhoodArgs, neighborhoodChangeFlags, NeighborhoodCommand } from '../../../neighborhood-command.ts'

export default class ParametersCancel extends NeighborhoodCommand<typeof ParametersCancel> {
  static override summary = 'Take announced parameters back'
  static override description = "By the owner's wallet."
  static override args = neighborhoodArgs
  static override flags = neighborhoodChangeFlags

  async run(): Promise<void> {
    const id = await this.neighborhoodId(this.args.id)
    const sent = await this.change(id, { label: 'cancel parameters', functionName: 'cancelStagedParameters' })
    this.finish(sent, { neighborhood: String(id), cancelled: true }, () => `The parameters of neighborhood ${id} stay as they are.`)
  }
}
