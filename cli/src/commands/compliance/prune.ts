import { complianceRegistryAbi } from '@dred/contracts'
import { askText } from '../../ask.ts'
import { chainFlags, discoveryFlags, neighborhoodFlags, walletFlags } from '../../flags.ts'
import { RegistryCommand } from '../../registry-command.ts'
import { chainTime, connect } from '../../services/chain.ts'
import { walletOf } from '../../services/keystore.ts'
import { readServers, statusAt } from '../../services/servers.ts'
import { parseId } from '../../units.ts'

export default class CompliancePrune extends RegistryCommand<typeof CompliancePrune> {
  static override summary = 'Take the servers whose attestation has lapsed out of the active set'
  static override description = 'Anybody may. Their seats and endpoints become free; they are pending until they are attested again.'
  static override flags = { ...neighborhoodFlags, ...walletFlags, ...discoveryFlags, ...chainFlags }

  async run(): Promise<void> {
    const given = await askText(this.settings.text('neighborhood'), { flag: 'neighborhood', what: 'the id of the neighborhood' })
    const neighborhood = parseId(given, 'The id of a neighborhood')
    const deployed = await connect(this.settings)
    const [servers, now] = await Promise.all([readServers(deployed, neighborhood), chainTime(deployed.client)])
    const lapsed = [...servers].filter(([, server]) => statusAt(server, now) === 'lapsed').map(([id]) => id)
    if (lapsed.length === 0)
      return this.output.result({ neighborhood: String(neighborhood), pruned: [] }, () => 'No attestation has lapsed.')
    const sent = await this.send(deployed, await walletOf(this.settings), {
      label: `prune ${lapsed.join(', ')}`,
      address: deployed.complianceRegistry,
      abi: complianceRegistryAbi,
      functionName: 'prune',
      args: [lapsed],
      path: `/v1/neighborhoods/${neighborhood}`,
    })
    this.finish(sent, { neighborhood: String(neighborhood), pruned: lapsed }, () => `Pruned: ${lapsed.join(', ')}.`)
  }
}
