import { text as readAll } from 'node:stream/consumers'
import { type Ack, DredClientError, type Published } from '@dred/sdk'
import { Args, Flags } from '@oclif/core'
import { askText, isInteractive } from '../../ask.ts'
import { BaseCommand } from '../../base-command.ts'
import { CliError } from '../../errors.ts'
import { deviceFlags, discoveryFlags, neighborhoodFlags } from '../../flags.ts'
import { openChannel, parseMessage, withClient } from '../../services/channels.ts'
import { parseDuration } from '../../units.ts'

export default class ChannelSend extends BaseCommand<typeof ChannelSend> {
  static override summary = 'Publish a message in a channel'
  static override description = 'The message is taken as JSON where it is JSON and as text where not; - reads it from stdin.'
  static override examples = [
    '<%= config.bin %> channel send CHANNEL "hello"',
    `<%= config.bin %> channel send CHANNEL '{"bet":20}'`,
    '<%= config.bin %> channel send CHANNEL "hello" --ack all',
  ]
  static override args = {
    channel: Args.string({ description: 'Id of the channel', required: true }),
    message: Args.string({ description: 'What to say, or -' }),
  }
  static override flags = {
    ack: Flags.string({
      description: 'How many servers have to store it: accepted (one), quorum (more than half), all, or a number',
      default: 'accepted',
    }),
    deadline: Flags.string({ description: 'How long to try, and to wait for that many servers', default: '1m' }),
    ...deviceFlags,
    ...discoveryFlags,
    ...neighborhoodFlags,
  }

  async run(): Promise<void> {
    const given = this.args.message === '-' ? (await readAll(process.stdin)).trimEnd() : this.args.message
    const message = parseMessage(
      given ?? (isInteractive() ? await askText(undefined, { flag: 'message', what: 'the message' }) : this.#missing()),
    )
    const options = { ack: parseAck(this.flags.ack), deadlineMs: 1_000 * parseDuration(this.flags.deadline, 'deadline') }
    await withClient(this.settings, async (client) => {
      const channel = await openChannel(this.settings, client, { id: this.args.channel })
      try {
        this.#print(await channel.publish(message, options))
      } catch (error) {
        if (!(error instanceof DredClientError) || error.code !== 'too_few_servers' || !error.published) throw error
        this.#print(error.published)
        throw new CliError('pending', error.code, 'It goes on to the others: publishing it again would make another message.')
      }
    })
  }

  #print({ id, receipt, server }: Published): void {
    this.output.result({ id, receipt, server: server.id }, () => id)
    this.output.note(`Stored on ${receipt.stored} of ${receipt.servers} servers.`)
  }

  #missing(): never {
    this.error('Say the message: give it behind the channel, or - to read it from stdin', { exit: 2 })
  }
}

function parseAck(text: string): Ack {
  if (text === 'accepted' || text === 'quorum' || text === 'all') return text
  if (/^[1-9][0-9]?$/.test(text)) return Number(text)
  throw new CliError('usage', 'invalid_value', `--ack has to be accepted, quorum, all or a number of servers, not ${text}.`)
}
