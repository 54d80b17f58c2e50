import { once } from 'node:events'
import { type NodeConfig, preflight, type RunningServer, serve } from '@dred/node'
import { Flags } from '@oclif/core'
import { BaseCommand } from '../base-command.ts'
import { onParentGone } from '../dev/child.ts'
import { exitCodes } from '../errors.ts'
import { chainFlags, neighborhoodFlags, serveFlags, serverKeyFlags } from '../flags.ts'
import { table } from '../output.ts'
import { nodeConfig } from '../services/node-config.ts'
import { explainStartup, failedCheck, workerConfig, type WorkerPlace } from '../services/serve.ts'
import { Workers } from '../services/workers.ts'
import { onStopSignal } from '../signals.ts'

/** What a stop may take beside what the settings grant it. */
const STOP_MS = 8_000

export default class Serve extends BaseCommand<typeof Serve> {
  static override summary = 'Run a relay server until it is told to stop'
  static override description =
    `The server has to be registered first (dred register). Logs go to stderr; the first line on stdout says that it serves.
With --check it only says whether the server could start: the settings, files, store, chain and registration are examined, and nothing
is changed. SIGINT and SIGTERM let running requests end; a second one does not wait. A service reads its TLS certificate again on SIGHUP. With --processes N further processes share the port and the store; the admin port of the
first is --admin-port, that of the next is one higher, and so on.`
  static override flags = {
    check: Flags.boolean({ description: 'Only examine whether the server could start' }),
    supervised: Flags.boolean({ description: 'Stop when stdin ends', hidden: true }),
    worker: Flags.custom<WorkerPlace>({ parse: async (text) => JSON.parse(text) as WorkerPlace })({ hidden: true }),
    ...serveFlags,
    ...serverKeyFlags,
    ...neighborhoodFlags,
    ...chainFlags,
  }

  async run(): Promise<void> {
    const stop = new AbortController()
    let config: NodeConfig | undefined
    let running: RunningServer | undefined
    // At a terminal SIGHUP says that it is gone; a service is told by it to read its files again.
    const isService = !process.stdin.isTTY
    onStopSignal(
      (signal) => stop.abort(signal),
      () => stopMs(config),
      isService ? ['SIGINT', 'SIGTERM'] : undefined,
    )
    if (isService) process.on('SIGHUP', () => void running?.reload())
    if (this.flags.supervised) onParentGone(() => stop.abort('the end of stdin'))

    const given = await nodeConfig(this.loadSettings())
    if (this.flags.check) return this.#check(given)
    const { worker } = this.flags
    config = worker === undefined ? given : workerConfig(given, worker)
    const server = await serve(config).catch((error: unknown) => {
      throw explainStartup(error, config)
    })
    running = server
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
    await Promise.all([workers.stop(stopMs(config) - 1_000), server.close()])
    process.exitCode = stop.signal.reason === 'SIGINT' ? exitCodes.interrupted : exitCodes.ok
  }

  async #check(config: NodeConfig): Promise<void> {
    const checks = await preflight(config)
    const failed = checks.filter(({ ok }) => !ok)
    this.output.result({ ready: failed.length === 0, checks }, () =>
      table(
        ['CHECK', 'RESULT'],
        checks.map(({ name, ok, detail }) => [name, `${ok ? 'ok' : 'FAILED'}: ${detail}`]),
      ),
    )
    const [first] = failed
    if (first) throw failedCheck(first, failed.length)
  }
}

function stopMs(config: NodeConfig | undefined): number {
  return STOP_MS + (config === undefined ? 0 : config.drain.delayMs + 2 * config.drain.timeoutMs)
}

function portOf(url: string): number {
  const { port, protocol } = new URL(url)
  return Number(port || (protocol === 'https:' ? 443 : 80))
}

/** This command once more, as a worker. */
function workerArguments(place: WorkerPlace): string[] {
  return [...process.argv.slice(1), '--supervised', `--worker=${JSON.stringify(place)}`]
}
