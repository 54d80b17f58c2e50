import { BaseCommand } from '../../base-command.ts'
import { askText } from '../../ask.ts'
import { CliError } from '../../errors.ts'
import { chainFlags, discoveryFlags, serverKeyFlags } from '../../flags.ts'
import { fields, table } from '../../output.ts'
import { serverArgs, serverFlags } from '../../server-command.ts'
import { connect, type Deployed } from '../../services/chain.ts'
import { openServerKey } from '../../services/server-key.ts'
import { readServerState, type ServerState } from '../../services/server-state.ts'
import { readServerOfKey } from '../../services/servers.ts'
import { formatAmount, parseId, time } from '../../units.ts'

export default class ServerStatus extends BaseCommand<typeof ServerStatus> {
  static override summary = 'Say whether a server is registered, attested, reachable, indexed and served to clients'
  static override description =
    `Exit code 6 when it is not all of them, with what is missing. Without a discovery API the last two are left out.
Without an id it is the server of the configured key, as for dred serve.`
  static override args = serverArgs
  static override flags = { ...serverFlags, ...serverKeyFlags, ...discoveryFlags, ...chainFlags }

  async run(): Promise<void> {
    const deployed = await connect(this.settings)
    const id = await this.#id(deployed)
    const state = await readServerState(deployed, id, this.settings.urls('discovery'))
    const { token, ...document } = state
    this.output.result({ ...document, stakeToken: token.address }, () => render(state))
    const missing = state.ticks.filter(({ ok }) => !ok).map(({ name }) => name)
    if (missing.length > 0)
      throw new CliError('checkFailed', 'not_serving', `Server ${id} is not ${missing.join(', not ')}: see what each line says.`)
  }

  /** The server that is named, else that of the configured key. */
  async #id(deployed: Deployed): Promise<number> {
    const given = this.args.server ?? this.flags.server
    if (given === undefined && this.settings.text('server.keyFile') !== undefined) {
      const { keyId } = await openServerKey(this.settings)
      const id = await readServerOfKey(deployed, keyId)
      if (id !== undefined) return id
      throw new CliError('checkFailed', 'not_registered', `The key ${keyId} is that of no server: register it, or check --key-file.`)
    }
    return parseId(await askText(given, { flag: 'server', what: 'the id of the server' }), 'The id of a server')
  }
}

function render({ ticks, token, ...state }: ServerState): string {
  const about = fields([
    ['server', `${state.server} of neighborhood ${state.neighborhood}`],
    ['status', state.status],
    ['endpoint', state.endpoint],
    ...(state.proposedEndpoint === null ? [] : ([['moves to', state.proposedEndpoint]] satisfies [string, string][])),
    ['key', state.keyId],
    ['operator', state.operator],
    ['payout', state.payout],
    ['stake', formatAmount(state.stake, token)],
    ...(state.unlockAt === null ? [] : ([['unlocks', time(state.unlockAt)]] satisfies [string, string][])),
  ])
  return `${about}\n\n${table(
    ['', 'IS IT', ''],
    ticks.map(({ name, ok, detail }) => [ok ? '✓' : '✗', name, detail]),
  )}`
}
