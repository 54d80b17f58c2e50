import { BaseCommand } from '../../base-command.ts'
import { chainFlags, discoveryFlags } from '../../flags.ts'
import { table } from '../../output.ts'
import { connect } from '../../services/chain.ts'
import { listNeighborhoods } from '../../services/discovery.ts'
import { neighborhoodsOnChain } from '../../services/neighborhoods-on-chain.ts'
import { count } from '../../units.ts'

export default class NeighborhoodList extends BaseCommand<typeof NeighborhoodList> {
  static override summary = 'List the neighborhoods, from discovery when it is set, else from the chain'
  static override flags = { ...discoveryFlags, ...chainFlags }

  async run(): Promise<void> {
    const discovery = this.settings.urls('discovery')
    const items = discovery.length > 0 ? await listNeighborhoods(discovery) : await neighborhoodsOnChain(await connect(this.settings))
    const row = (item: (typeof items)[number]) => [
      item.id,
      item.name,
      `${item.activeServers}/${item.parameters.maxServers}`,
      item.healthy ? 'healthy' : `wants ${count(item.parameters.redundancy, 'server')}`,
      item.owner,
    ]
    this.output.result({ items }, () =>
      items.length > 0 ? table(['ID', 'NAME', 'SERVERS', 'STATE', 'OWNER'], items.map(row)) : 'There is no neighborhood yet.',
    )
  }
}
