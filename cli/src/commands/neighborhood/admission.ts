import { Args } from '@oclif/core'
import { askChoice } from '../../ask.ts'
import { neighborhoodChangeFlags, NeighborhoodCommand } from '../../neighborhood-command.ts'
import { admissionFlags, admissions } from '../../parameter-flags.ts'
import { admissionView } from '../../services/neighborhoods-on-chain.ts'
import { admissionOf } from '../../services/parameters.ts'

export default class NeighborhoodAdmission extends NeighborhoodCommand<typeof NeighborhoodAdmission> {
  static override summary = 'Say who may register servers from now on'
  static override description =
    `By the owner's wallet: open to all, the operators on a list (dred neighborhood allow), or those who hold a token. Registered servers
stay.`
  static override examples = ['<%= config.bin %> neighborhood admission token-gate --neighborhood 7 --gate-token 0x… --gate-balance 1']
  static override args = { mode: Args.string({ description: 'Who may register', options: [...admissions] }) }
  static override flags = { ...admissionFlags, ...neighborhoodChangeFlags }

  async run(): Promise<void> {
    const id = await this.neighborhoodId(undefined)
    const given = admissions.find((name) => name === this.args.mode)
    const mode = await askChoice(given, admissions, { flag: 'mode', what: 'who may register (open, allowlist or token-gate)' })
    const admission = admissionOf({ ...this.flags, admission: mode })
    const sent = await this.change(id, { label: 'set admission', functionName: 'setAdmission', args: [admission] })
    this.finish(
      sent,
      { neighborhood: String(id), admission: admissionView(admission) },
      () => `Registrations in neighborhood ${id}: ${mode}.`,
    )
  }
}
