import { text as readAll } from 'node:stream/consumers'
import { Args } from '@oclif/core'
import { askText, isInteractive } from '../../ask.ts'
import { BaseCommand } from '../../base-command.ts'
import { deviceFlags, discoveryFlags, neighborhoodFlags } from '../../flags.ts'
import { openChannel, parseMessage, withClient } from '../../services/channels.ts'

export default class ChannelSend extends BaseCommand<typeof ChannelSend> {
  static override summary = 'Publish a message in a channel'
  static override description = 'The message is taken as JSON where it is JSON and as text where not; - reads it from stdin.'
  static override examples = ['<%= config.bin %> channel send CHANNEL "hello"', `<%= config.bin %> channel send CHANNEL '{"bet":20}'`]
  static override args = {
    channel: Args.string({ description: 'Id of the channel', required: true }),
    message: Args.string({ description: 'What to say, or -' }),
  }
  static override flags = { ...deviceFlags, ...discoveryFlags, ...neighborhoodFlags }

  async run(): Promise<void> {
    const given = this.args.message === '-' ? (await readAll(process.stdin)).trimEnd() : this.args.message
    const message = parseMessage(
      given ?? (isInteractive() ? await askText(undefined, { flag: 'message', what: 'the message' }) : this.#missing()),
    )
    await withClient(this.settings, async (client) => {
      const channel = await openChannel(this.settings, client, { id: this.args.channel })
      const { id, receipt, server } = await channel.publish(message)
      this.output.result({ id, receipt, server: server.id }, () => id)
    })
  }

  #missing(): never {
    this.error('Say the message: give it behind the channel, or - to read it from stdin', { exit: 2 })
  }
}
