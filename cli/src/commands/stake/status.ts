import { BaseCommand } from '../../base-command.ts'
import { askText } from '../../ask.ts'
import { chainFlags } from '../../flags.ts'
import { fields } from '../../output.ts'
import { serverArgs, serverFlags } from '../../server-command.ts'
import { chainTime, connect } from '../../services/chain.ts'
import { readStake, type StakeView } from '../../services/server-calls.ts'
import { duration, formatAmount, parseId, time } from '../../units.ts'

export default class StakeStatus extends BaseCommand<typeof StakeStatus> {
  static override summary = 'Show the stake of a server and when it can be withdrawn'
  static override args = serverArgs
  static override flags = { ...serverFlags, ...chainFlags }

  async run(): Promise<void> {
    const given = await askText(this.args.server ?? this.flags.server, { flag: 'server', what: 'the id of the server' })
    const deployed = await connect(this.settings)
    const [view, now] = await Promise.all([readStake(deployed, parseId(given, 'The id of a server')), chainTime(deployed.client)])
    const { server, stake, token, unlockAt, unbondingSeconds, slashPercent } = view
    const withdrawable = stake > 0n && unlockAt !== null && unlockAt <= now
    this.output.result({ server, stake, token: token.address, unlockAt, unbondingSeconds, slashPercent, withdrawable }, () =>
      fields([
        ['server', String(server)],
        ['stake', formatAmount(stake, token)],
        ['at risk', slashPercent === 0 ? 'nothing' : `${slashPercent} %`],
        ['withdrawal', whenOf(view, withdrawable)],
      ]),
    )
  }
}

function whenOf({ stake, unlockAt, unbondingSeconds }: StakeView, withdrawable: boolean): string {
  if (unlockAt === null) return `${duration(unbondingSeconds ?? 0)} after an exit`
  if (stake === 0n) return 'nothing is left'
  return withdrawable ? 'now' : `from ${time(unlockAt)}`
}
