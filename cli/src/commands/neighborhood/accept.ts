import { neighborhoodArgs, neighborhoodChangeFlags, NeighborhoodCommand } from '../../neighborhood-command.ts'

export default class NeighborhoodAccept extends NeighborhoodCommand<typeof NeighborhoodAccept> {
  static override summary = 'Become the owner of a neighborhood that was offered to this wallet'
  static override description = 'The owner before offers it by dred neighborhood transfer.'
  static override args = neighborhoodArgs
  static override flags = neighborhoodChangeFlags

  async run(): Promise<void> {
    const id = await this.neighborhoodId(this.args.id)
    const sent = await this.change(id, { label: 'accept ownership', functionName: 'acceptOwnership' })
    this.finish(sent, { neighborhood: String(id), accepted: true }, () => `Neighborhood ${id} is yours.`)
  }
}
