import { setTimeout as sleep } from 'node:timers/promises'
import { BaseCommand } from '../../base-command.ts'
import { liveOwner } from '../../dev/lock.ts'
import { devPaths } from '../../dev/paths.ts'
import { CliError } from '../../errors.ts'

const STOP_TIMEOUT_MS = 15_000

export default class DevStop extends BaseCommand<typeof DevStop> {
  static override summary = 'Stop the network that runs in this folder'

  async run(): Promise<void> {
    const { lock } = devPaths(process.cwd())
    const owner = await liveOwner(lock)
    if (owner) process.kill(owner.pid, 'SIGTERM')
    const deadline = Date.now() + STOP_TIMEOUT_MS
    while (owner && (await liveOwner(lock))?.pid === owner.pid) {
      if (Date.now() > deadline)
        throw new CliError('failure', 'still_running', `Process ${owner.pid} does not stop: end it with \`kill -9 ${owner.pid}\`.`)
      await sleep(50)
    }
    this.output.result({ stopped: owner?.pid ?? null }, () => (owner ? `Stopped process ${owner.pid}.` : 'No network runs here.'))
  }
}
