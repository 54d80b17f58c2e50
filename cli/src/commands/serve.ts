import { once } from 'node:events'
import { serve } from '@dred/node'
import { Flags } from '@oclif/core'
import { BaseCommand } from '../base-command.ts'
import { onParentGone } from '../dev/child.ts'
import { exitCodes } from '../errors.ts'
import { chainFlags, neighborhoodFlags, serveFlags, serverKeyFlags } from '../flags.ts'
import { explainStartup, nodeConfig } from '../services/serve.ts'
import { onStopSignal } from '../signals.ts'

/** A stop that takes longer than this ends with what it has. */
const STOP_TIMEOUT_MS = 10_000

export default class Serve extends BaseCommand<typeof Serve> {
  static override summary = 'Run a relay server until it is told to stop'
  static override description =
    `The server has to be registered first (dred register). Logs go to stderr; the first line on stdout says that it serves.
SIGINT and SIGTERM let running requests end.`
  static override flags = {
    supervised: Flags.boolean({ description: 'Stop when stdin ends', hidden: true }),
    ...serveFlags,
    ...serverKeyFlags,
    ...neighborhoodFlags,
    ...chainFlags,
  }

  async run(): Promise<void> {
    const stop = new AbortController()
    onStopSignal((signal) => stop.abort(signal), STOP_TIMEOUT_MS)
    if (this.flags.supervised) onParentGone(() => stop.abort('the end of stdin'))

    const config = await nodeConfig(this.settings)
    const server = await serve(config).catch((error: unknown) => {
      throw explainStartup(error, config)
    })
    const document = { server: server.serverId, url: server.url, adminUrl: server.adminUrl, neighborhood: config.neighborhood }
    this.output.item(document, () => `Server ${server.serverId} of neighborhood ${config.neighborhood} serves at ${server.url}.`)

    if (!stop.signal.aborted) await once(stop.signal, 'abort')
    this.output.note(`Stopping on ${stop.signal.reason} …`)
    await server.close()
    process.exitCode = stop.signal.reason === 'SIGINT' ? exitCodes.interrupted : exitCodes.ok
  }
}
