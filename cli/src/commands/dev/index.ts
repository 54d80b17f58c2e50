import { relative, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Flags } from '@oclif/core'
import { BaseCommand } from '../../base-command.ts'
import { openInBrowser } from '../../dev/browser.ts'
import { checkHands, type Example, loadExample } from '../../dev/example.ts'
import { LiveView } from '../../dev/live.ts'
import { acquireLock, type Lock } from '../../dev/lock.ts'
import { DevNetwork } from '../../dev/network.ts'
import { type DevPaths, devPaths } from '../../dev/paths.ts'
import { wipe } from '../../dev/reset.ts'
import { isComplete, renderSummary } from '../../dev/summary.ts'
import { CliError } from '../../errors.ts'
import { fields } from '../../output.ts'
import { interrupted } from '../../explain.ts'
import { onStopSignal } from '../../signals.ts'

/** A stop that takes longer ends with what it has; the processes notice that this one is gone. */
const STOP_TIMEOUT_MS = 8_000
/** How long a play may take to put its clients away before the servers go. */
const PLAY_STOP_MS = 1_000

export default class Dev extends BaseCommand<typeof Dev> {
  static override summary = 'Run a whole Dred network on this machine'
  static override description =
    `A chain with the registries, the discovery API, a neighborhood and servers of as many operators, each a process of its own.
Everything lies in .dred/dev and ends with this command. Other commands reach the network by --config .dred/dev/dred.toml.`
  static override examples = ['<%= config.bin %> dev', '<%= config.bin %> dev --example poker --once --json']
  static override flags = {
    servers: Flags.integer({ description: 'How many relay servers', default: 3, min: 1, max: 16 }),
    example: Flags.string({ description: 'Play an example of this checkout and serve its page', helpValue: 'NAME' }),
    once: Flags.boolean({ description: 'End after the play; exit 0 only when nothing was lost', dependsOn: ['example'] }),
    speed: Flags.string({ description: 'Play this many times faster', default: '1', helpValue: 'N' }),
    hands: Flags.string({ description: 'Play another file', helpValue: 'FILE', dependsOn: ['example'] }),
    reset: Flags.boolean({ description: 'Begin anew: forget keys, ports and messages' }),
    open: Flags.boolean({ description: 'Open the page in the browser of an interactive desktop', default: true, allowNo: true }),
    restart: Flags.boolean({ description: 'Start a relay server again when it ends by itself', default: true, allowNo: true }),
    'port-base': Flags.integer({ description: 'First of the ports to use', min: 1024, max: 65_000 }),
  }

  readonly #stop = new AbortController()
  #lock: Lock | undefined
  #view = new LiveView(process.stderr)

  async run(): Promise<void> {
    const speed = Number(this.flags.speed)
    if (!(speed > 0 && speed < Number.POSITIVE_INFINITY)) {
      throw new CliError('usage', 'invalid_value', `--speed has to be a number above zero, not ${this.flags.speed}.`)
    }
    const example = this.flags.example === undefined ? undefined : await loadExample(this.flags.example)
    if (example && this.flags.hands !== undefined) await checkHands(example, this.flags.hands)
    const paths = devPaths(process.cwd())
    onStopSignal((signal) => {
      this.output.note('\nStopping …')
      this.#stop.abort(signal)
    }, STOP_TIMEOUT_MS)
    this.#lock = await acquireLock(paths.lock)
    try {
      if (this.flags.reset) await wipe(paths)
      await this.#runNetwork(paths, { example, speed })
    } finally {
      await this.#lock.release()
      // What an example left open does not hold the process.
      setTimeout(() => process.exit(), 500).unref()
    }
  }

  async #runNetwork(paths: DevPaths, { example, speed }: { example: Example | undefined; speed: number }): Promise<void> {
    const { signal } = this.#stop
    const network = await DevNetwork.start({
      paths,
      cwd: process.cwd(),
      servers: this.flags.servers,
      portBase: this.flags['port-base'],
      restart: this.flags.restart,
      example,
      signal,
      changed: (what, record) => {
        this.#view.note(what)
        void this.#lock?.publish(record)
      },
    }).catch((error: unknown) => {
      throw signal.aborted ? this.#end() : error
    })
    try {
      await this.#lock?.publish(network.record)
      this.#announce(network, paths)
      if (example) await this.#play(example, network, speed)
      else if (this.output.json) this.output.result({ ...network.record, readySeconds: secondsSinceStart() }, () => '')
      if (!this.flags.once) await Promise.race([aborted(signal), network.failed])
    } catch (error) {
      if (!signal.aborted) throw error
    } finally {
      this.#view.end()
      await network.close()
    }
    if (signal.aborted) throw this.#end()
  }

  #announce(network: DevNetwork, paths: DevPaths): void {
    const { page, discovery } = network.record
    const lines: [string, string][] = [
      ...(page ? ([['Page', page]] satisfies [string, string][]) : []),
      ['Discovery', discovery],
      ['Commands', `npx dred --config ${relative(process.cwd(), paths.config)} neighborhood show`],
      ...(this.flags.once ? [] : ([['Stop', 'Ctrl-C']] satisfies [string, string][])),
    ]
    this.output.note(`\nReady in ${secondsSinceStart().toFixed(1)} s.\n${fields(lines)}\n\n`)
    if (page && this.flags.open && !this.flags.once && !this.output.json) openInBrowser(page)
  }

  async #play(example: Example, network: DevNetwork, speed: number): Promise<void> {
    const { neighborhood, discovery, servers } = network.record
    const { hands, once } = this.flags
    const play = example.run({
      neighborhood,
      discovery: [discovery],
      servers: servers.map(({ id, endpoint, adminUrl }) => ({ id, endpoint, adminUrl })),
      once,
      speed,
      ...(hands === undefined ? {} : { hands: resolve(hands) }),
      signal: this.#stop.signal,
      report: (event) => this.#view.show(event),
    })
    const stopped = aborted(this.#stop.signal).then(() => sleep(PLAY_STOP_MS, undefined, { ref: false }))
    const summary = await Promise.race([play, network.failed, stopped])
    if (!summary) return
    this.#view.end()
    this.output.result(summary, () => `\n${renderSummary(summary, { stopped: this.#stop.signal.aborted })}`)
    if (isComplete(summary) || this.#stop.signal.aborted) return
    const message = `${summary.lost} deliveries were lost: the summary says at which table.`
    if (once) throw new CliError('failure', 'messages_lost', message)
    this.output.note(message)
  }

  /** Asked for by `dred dev stop` (SIGTERM) it is a success. */
  #end(): CliError {
    return this.#stop.signal.reason === 'SIGTERM' ? new CliError('ok', 'stopped', 'Stopped.') : interrupted()
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve()
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
}

/** Since this process began, so with what Node takes to start. */
function secondsSinceStart(): number {
  return performance.now() / 1000
}
