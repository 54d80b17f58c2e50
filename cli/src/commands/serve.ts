import { once } from 'node:events'
import { serve } from '@dred/node'
import { Flags } from '@oclif/core'
import { BaseCommand } from '../base-command.ts'
import { onParentGone } from '../dev/child.ts'
import { exitCodes } from '../errors.ts'
import { chainFlags, neighborhoodFlags, serveFlags, serverKeyFlags } from '../flags.ts'
import { explainStartup, nodeConfig, workerConfig, type WorkerPlace } from '../services/serve.ts'
import { Workers } from '../services/workers.ts'
import { onStopSignal } from '../signals.ts'

/** A stop that takes longer than this ends with what it has. */
const STOP_TIMEOUT_MS = 10_000

export default class Serve extends BaseCommand<typeof Serve> {
  static override summary = 'Run a relay server until it is told to stop'
  static override description =
    `The server has to be registered first (dred register). Logs go to stderr; the first line on stdout says that it serves.
SIGINT and SIGTERM let running requests end. With --processes N further processes share the port and the store; the admin port of the
first is --admin-port, that of the next is one higher, and so on.`
  static override flags = {
    supervised: Flags.boolean({ description: 'Stop when stdin ends', hidden: true }),
    worker: Flags.custom<WorkerPlace>({ parse: async (text) => JSON.parse(text) as WorkerPlace })({ hidden: true }),
    ...serveFlags,
    ...serverKeyFlags,
    ...neighborhoodFlags,
    ...chainFlags,
  }

  async run(): Promise<void> {
    const stop = new AbortController()
    onStopSignal((signal) => stop.abort(signal), STOP_TIMEOUT_MS)
    if (this.flags.supervised) onParentGone(() => stop.abort('the end of stdin'))

    const given = await nodeConfig(this.settings)
    const { worker } = this.flags
    const config = worker === undefined ? given : workerConfig(given, worker)
    const server = await serve(config).catch((error: unknown) => {
      throw explainStartup(error, config)
    })
    const workers = new Workers({
      count: worker === undefined ? config.processes.count - 1 : 0,
      args: (number) => workerArguments({ worker: number, port: portOf(server.url) }),
      note: (text) => this.output.note(text),
    })
    workers.start()
    const document = {
      server: server.serverId,
      url: server.url,
      adminUrl: server.adminUrl,
      neighborhood: config.neighborhood,
      ...(config.processes.count > 1 ? { processes: config.processes.count } : {}),
    }
    this.output.item(document, () => `Server ${server.serverId} of neighborhood ${config.neighborhood} serves at ${server.url}.`)

    if (!stop.signal.aborted) await once(stop.signal, 'abort')
    this.output.note(`Stopping on ${stop.signal.reason} …`)
    await Promise.all([workers.stop(STOP_TIMEOUT_MS - 1_000), server.close()])
    process.exitCode = stop.signal.reason === 'SIGINT' ? exitCodes.interrupted : exitCodes.ok
  }
}

function portOf(url: string): number {
  const { port, protocol } = new URL(url)
  return Number(port || (protocol === 'https:' ? 443 : 80))
}

/** This command once more, as a worker. */
function workerArguments(place: WorkerPlace): string[] {
  return [...process.argv.slice(1), '--supervised', `--worker=${JSON.stringify(place)}`]
}
