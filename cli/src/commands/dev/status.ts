import { BaseCommand } from '../../base-command.ts'
import { liveOwner, type RunRecord } from '../../dev/lock.ts'
import { devPaths } from '../../dev/paths.ts'
import { fields } from '../../output.ts'

export default class DevStatus extends BaseCommand<typeof DevStatus> {
  static override summary = 'Say whether a network runs in this folder, and where its parts are'

  async run(): Promise<void> {
    const owner = await liveOwner(devPaths(process.cwd()).lock)
    const state = !owner ? 'stopped' : owner.network ? 'running' : 'starting'
    this.output.result({ state, pid: owner?.pid ?? null, network: owner?.network ?? null }, () => render(state, owner))
  }
}

function render(state: string, owner: RunRecord | undefined): string {
  const { network } = owner ?? {}
  const parts: [string, string][] = network
    ? [
        ['chain', network.rpcUrl],
        ['discovery', network.discovery],
        ...(network.page ? ([['page', network.page]] satisfies [string, string][]) : []),
        ['neighborhood', network.neighborhood],
        ...network.servers.map(({ id, endpoint, pid }): [string, string] => [
          `server ${id}`,
          `${endpoint} (${pid === null ? 'down' : `process ${pid}`})`,
        ]),
      ]
    : []
  return fields([['state', owner ? `${state} as process ${owner.pid}` : state], ...parts])
}
