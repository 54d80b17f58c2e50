import { Flags } from '@oclif/core'
import { CliError } from '../../errors.ts'
import { neighborhoodArgs, neighborhoodChangeFlags, NeighborhoodCommand } from '../../neighborhood-command.ts'
import { attesterListFlag } from '../../parameter-flags.ts'
import { attestersOf } from '../../services/parameters.ts'
import { count } from '../../units.ts'

export default class NeighborhoodAttesters extends NeighborhoodCommand<typeof NeighborhoodAttesters> {
  static override summary = "Appoint the attesters of a neighborhood's next rounds, all anew"
  static override description =
    `By the owner's wallet. An open round keeps its attesters. An attester makes its key by dred keys new --type attester and tells you the
key's id; the account says who it is, and a server of that operator is not attested by it.`
  static override examples = ['<%= config.bin %> neighborhood attesters 7 --attester 0xACCOUNT:0xKEYID --attester 0xACCOUNT:attester.pem']
  static override args = neighborhoodArgs
  static override flags = {
    attester: attesterListFlag,
    none: Flags.boolean({ description: 'Appoint nobody', exclusive: ['attester'] }),
    ...neighborhoodChangeFlags,
  }

  async run(): Promise<void> {
    const id = await this.neighborhoodId(this.args.id)
    const texts = this.flags.attester ?? []
    if (texts.length === 0 && !this.flags.none) throw new CliError('usage', 'missing_value', 'Say who attests: set --attester, or --none.')
    const attesters = await attestersOf(texts)
    const sent = await this.change(id, { label: 'appoint attesters', functionName: 'appointAttesters', args: [attesters] })
    this.finish(
      sent,
      { neighborhood: String(id), attesters },
      () => `Neighborhood ${id} has ${count(attesters.length, 'appointed attester')} from its next round on.`,
    )
  }
}
