import { Flags } from '@oclif/core'
import { BaseCommand } from '../../base-command.ts'
import { deviceFlags, discoveryFlags, neighborhoodFlags } from '../../flags.ts'
import { withClient } from '../../services/channels.ts'
import { parseDuration } from '../../units.ts'

export default class ChannelCreate extends BaseCommand<typeof ChannelCreate> {
  static override summary = 'Create an open channel in the neighborhood'
  static override examples = ['<%= config.bin %> channel create --name lobby']
  static override flags = {
    name: Flags.string({ description: 'A name for people; not unique' }),
    lifetime: Flags.string({ description: 'How long a message is kept', default: '1d' }),
    idle: Flags.string({ description: 'Without a message for this long the channel expires', default: '7d' }),
    ...deviceFlags,
    ...discoveryFlags,
    ...neighborhoodFlags,
  }

  async run(): Promise<void> {
    const { name } = this.flags
    const times = {
      lifetimeMs: 1_000 * parseDuration(this.flags.lifetime, 'lifetime'),
      idleMs: 1_000 * parseDuration(this.flags.idle, 'idle'),
    }
    await withClient(this.settings, async (client) => {
      const { id, genesis, storedBy } = await client.channels.create({ ...times, ...(name === undefined ? {} : { name }) })
      this.output.result({ id, genesis, servers: storedBy.map((server) => server.id) }, () => id)
    })
  }
}
