import { Flags } from '@oclif/core'
import { CliError } from '../../errors.ts'
import { neighborhoodArgs, neighborhoodChangeFlags, NeighborhoodCommand } from '../../neighborhood-command.ts'
import { connect } from '../../services/chain.ts'
import { unknownNeighborhood } from '../../services/discovery.ts'
import { neighborhoodsOnChain } from '../../services/neighborhoods-on-chain.ts'
import { hashOf } from '../../services/parameters.ts'

export default class NeighborhoodUpdate extends NeighborhoodCommand<typeof NeighborhoodUpdate> {
  static override summary = "Change a neighborhood's name, address or content hash"
  static override description = "By the owner's wallet. What is left out stays as it is."
  static override args = neighborhoodArgs
  static override flags = {
    name: Flags.string({ description: 'Its name, 1 to 64 bytes' }),
    uri: Flags.string({ description: 'Where the application or its description lives' }),
    'content-hash': Flags.string({ description: 'Hash of what the URI serves, 0x and 64 hexadecimal digits' }),
    ...neighborhoodChangeFlags,
  }

  async run(): Promise<void> {
    const id = await this.neighborhoodId(this.args.id)
    const { name, uri, 'content-hash': hash } = this.flags
    const contentHash = hash === undefined ? undefined : hashOf(hash, 'content-hash')
    if (name === undefined && uri === undefined && contentHash === undefined)
      throw new CliError('usage', 'missing_value', 'Say what to change: set --name, --uri or --content-hash.')
    const deployed = await connect(this.settings)
    const [before] = await neighborhoodsOnChain(deployed, id)
    if (!before) throw unknownNeighborhood(id)
    const metadata = { name: name ?? before.name, uri: uri ?? before.uri, contentHash: contentHash ?? before.contentHash }
    const sent = await this.change(id, { label: 'update', functionName: 'updateMetadata', args: Object.values(metadata), deployed })
    this.finish(sent, { neighborhood: String(id), ...metadata }, () => `Neighborhood ${id} is called ${metadata.name}.`)
  }
}
