import { Flags } from '@oclif/core'
import { BaseCommand } from '../../base-command.ts'
import { deviceFlags, discoveryFlags, neighborhoodFlags } from '../../flags.ts'
import { table } from '../../output.ts'
import { withClient } from '../../services/channels.ts'

export default class ChannelList extends BaseCommand<typeof ChannelList> {
  static override summary = 'List the channels of the neighborhood, as one of its servers knows them'
  static override flags = {
    limit: Flags.integer({ description: 'How many at most', min: 1, max: 500, default: 100 }),
    cursor: Flags.string({ description: '`next` of the page before' }),
    ...deviceFlags,
    ...discoveryFlags,
    ...neighborhoodFlags,
  }

  async run(): Promise<void> {
    const { limit, cursor } = this.flags
    await withClient(this.settings, async (client) => {
      const { items, next } = await client.channels.list({ limit, ...(cursor === undefined ? {} : { cursor }) })
      const channels = items.map(({ id, name, expiresAt, messages }) => ({ id, name: name ?? null, expiresAt, messages }))
      this.output.result({ items: channels, next }, () => {
        if (channels.length === 0) return 'There is no channel yet.'
        const rows = channels.map(({ id, name, expiresAt, messages }) => [
          id,
          JSON.stringify(name ?? '').slice(1, -1),
          String(messages),
          new Date(expiresAt).toISOString(),
        ])
        return table(['CHANNEL', 'NAME', 'MESSAGES', 'EXPIRES'], rows)
      })
      if (next !== null) this.output.note(`There are more: --cursor ${next}`)
    })
  }
}
