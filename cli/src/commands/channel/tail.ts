import { Args, Flags } from '@oclif/core'
import type { Message, StoredEvent, SubscribeOptions } from '@dred/sdk'
import { BaseCommand } from '../../base-command.ts'
import { CliError } from '../../errors.ts'
import { interrupted } from '../../explain.ts'
import { deviceFlags, discoveryFlags, neighborhoodFlags } from '../../flags.ts'
import { openChannel, withClient } from '../../services/channels.ts'
import { onStopSignal } from '../../signals.ts'

const STOP_TIMEOUT_MS = 2_000

export default class ChannelTail extends BaseCommand<typeof ChannelTail> {
  static override summary = 'Follow a channel until Ctrl-C'
  static override description = 'One message a line; with --json one JSON document a line.'
  static override args = { channel: Args.string({ description: 'Id of the channel', required: true }) }
  static override flags = {
    last: Flags.integer({
      description: 'Begin with this many of the newest messages',
      min: 0,
      max: 500,
      exclusive: ['after', 'from-start'],
    }),
    'from-start': Flags.boolean({ description: 'Begin with the oldest message kept', exclusive: ['after'] }),
    after: Flags.string({ description: 'Begin behind this cursor' }),
    receipts: Flags.boolean({ description: 'Tell also on how many servers messages are stored' }),
    count: Flags.integer({ description: 'End after this many messages', min: 1 }),
    ...deviceFlags,
    ...discoveryFlags,
    ...neighborhoodFlags,
  }

  async run(): Promise<void> {
    const stop = new AbortController()
    onStopSignal(() => stop.abort(), STOP_TIMEOUT_MS)
    await withClient(this.settings, async (client) => {
      const channel = await openChannel(this.settings, client, { id: this.args.channel, signal: stop.signal })
      let following = true
      client.on('state', ({ state }) => {
        if (following && !stop.signal.aborted) this.output.note(`Connection: ${state}`)
      })
      let left = this.flags.count ?? Number.POSITIVE_INFINITY
      const subscription = channel.subscribe({ ...this.#start(), receipts: this.flags.receipts, signal: stop.signal })
      subscription.on('stored', (event) => this.#printStored(event))
      for await (const message of subscription) {
        if (message.gap) this.output.note('Messages are missing here: they were older than what is kept.')
        this.#print(message)
        if (--left > 0) continue
        following = false
        return
      }
      if (!stop.signal.aborted)
        throw new CliError('failure', 'stream_ended', 'The stream ended: run the command again with --after and the last cursor.')
    }).catch((error: unknown) => {
      throw stop.signal.aborted ? interrupted() : error
    })
    if (stop.signal.aborted) throw interrupted()
  }

  #start(): SubscribeOptions {
    const { last, after } = this.flags
    if (this.flags['from-start']) return { from: 'start' }
    return { ...(last === undefined ? {} : { last }), ...(after === undefined ? {} : { after }) }
  }

  #printStored(event: StoredEvent): void {
    const { server, n, stored, servers } = event
    this.output.item(event, () => `Stored on ${stored} of ${servers} servers: what entered at server ${server}, up to its message ${n}`)
  }

  #print({ id, channel, sender, sentAt, data, cursor, origin }: Message): void {
    this.output.item({ id, channel, sender, sentAt, message: data, cursor, origin }, () => {
      const text = typeof data === 'string' ? data : JSON.stringify(data)
      return `${new Date(sentAt).toISOString()} ${sender.slice(0, 8)} ${printable(text)}`
    })
  }
}

/** Others' texts cannot steer the terminal. */
function printable(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (character) => `\\u{${character.codePointAt(0)?.toString(16)}}`)
}
