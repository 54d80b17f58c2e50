import { neighborhoodArgs, neighborhoodChangeFlags, NeighborhoodCommand } from '../../../neighborhood-command.ts'

export default class ParametersApply extends NeighborhoodCommand<typeof ParametersApply> {
  static override summary = 'Make announced parameters hold once their time has come'
  static override description = 'Anybody may.'
  static override args = neighborhoodArgs
  static override flags = neighborhoodChangeFlags

  async run(): Promise<void> {
    const id = await this.neighborhoodId(this.args.id)
    const sent = await this.change(id, { label: 'apply parameters', functionName: 'applyParameters' })
    this.finish(sent, { neighborhood: String(id), applied: true }, () => `The announced parameters of neighborhood ${id} hold from now on.`)
  }
}
