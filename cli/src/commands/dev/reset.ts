import { BaseCommand } from '../../base-command.ts'
import { acquireLock } from '../../dev/lock.ts'
import { devPaths } from '../../dev/paths.ts'
import { wipe } from '../../dev/reset.ts'

export default class DevReset extends BaseCommand<typeof DevReset> {
  static override summary = 'Forget the keys, ports and messages of the network of this folder'

  async run(): Promise<void> {
    const paths = devPaths(process.cwd())
    const lock = await acquireLock(paths.lock)
    try {
      await wipe(paths)
    } finally {
      await lock.release()
    }
    this.output.result({ reset: paths.root }, () => `Deleted everything in ${paths.root}.`)
  }
}
