import { limits } from '@dred/protocol'
import { Flags } from '@oclif/core'
import { BaseCommand } from '../../base-command.ts'
import { CliError } from '../../errors.ts'
import { deviceFlags, discoveryFlags, neighborhoodFlags } from '../../flags.ts'
import { withClient } from '../../services/channels.ts'
import { parseDuration } from '../../units.ts'

export default class ChannelCreate extends BaseCommand<typeof ChannelCreate> {
  static override summary = 'Create an open channel in the neighborhood'
  static override examples = ['<%= config.bin %> channel create --name lobby']
  static override flags = {
    name: Flags.string({ description: 'A name for people; not unique' }),
    lifetime: Flags.string({ description: 'How long a message is kept, 1s to 30d', default: '1d' }),
    idle: Flags.string({ description: 'Without a message for this long the channel expires, 1s to 90d', default: '7d' }),
    ...deviceFlags,
    ...discoveryFlags,
    ...neighborhoodFlags,
  }

  async run(): Promise<void> {
    const { name } = this.flags
    const times = {
      lifetimeMs: withinLimits(this.flags.lifetime, 'lifetime'),
      idleMs: withinLimits(this.flags.idle, 'idle'),
    }
    await withClient(this.settings, async (client) => {
      const { id, genesis, storedBy } = await client.channels.create({ ...times, ...(name === undefined ? {} : { name }) })
      this.output.result({ id, genesis, servers: storedBy.map((server) => server.id) }, () => id)
    })
  }
}

/** @returns milliseconds; a neighborhood may allow less, which its servers say */
function withinLimits(text: string, flag: 'lifetime' | 'idle'): number {
  const { min, max } = limits[`${flag}Ms`]
  const durationMs = 1_000 * parseDuration(text, flag)
  if (durationMs >= min && durationMs <= max) return durationMs
  throw new CliError('usage', 'invalid_value', `--${flag} has to be ${min / 1_000}s to ${max / 86_400_000}d, not ${text}.`)
}
