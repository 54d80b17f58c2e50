import { BaseCommand } from '../../base-command.ts'
import { askText } from '../../ask.ts'
import { CliError } from '../../errors.ts'
import { chainFlags, discoveryFlags } from '../../flags.ts'
import { fields, table } from '../../output.ts'
import { serverArgs, serverFlags } from '../../server-command.ts'
import { connect } from '../../services/chain.ts'
import { readServerState, type ServerState } from '../../services/server-state.ts'
import { formatAmount, parseId, time } from '../../units.ts'

export default class ServerStatus extends BaseCommand<typeof ServerStatus> {
  static override summary = 'Say whether a server is registered, attested, reachable, indexed and served to clients'
  static override description =
    `Exit code 6 when it is not all of them, with what is missing. Without a discovery API the last two are left out.`
  static override args = serverArgs
  static override flags = { ...serverFlags, ...discoveryFlags, ...chainFlags }

  async run(): Promise<void> {
    const given = await askText(this.args.server ?? this.flags.server, { flag: 'server', what: 'the id of the server' })
    const id = parseId(given, 'The id of a server')
    const state = await readServerState(await connect(this.settings), id, this.settings.urls('discovery'))
    const { token, ...document } = state
    this.output.result({ ...document, stakeToken: token.address }, () => render(state))
    const missing = state.ticks.filter(({ ok }) => !ok).map(({ name }) => name)
    if (missing.length > 0)
      throw new CliError('checkFailed', 'not_serving', `Server ${id} is not ${missing.join(', not ')}: see what each line says.`)
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
