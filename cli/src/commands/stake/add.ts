import { Args, Flags } from '@oclif/core'
import { askText } from '../../ask.ts'
import { BaseCommand } from '../../base-command.ts'
import { CliError } from '../../errors.ts'
import { chainFlags, discoveryFlags, walletFlags } from '../../flags.ts'
import { connect } from '../../services/chain.ts'
import { walletOf } from '../../services/keystore.ts'
import { addStake, stakeTokenOf } from '../../services/stake.ts'
import { runTransaction } from '../../services/transact.ts'
import { formatAmount, parseAmount, parseId } from '../../units.ts'

export default class StakeAdd extends BaseCommand<typeof StakeAdd> {
  static override summary = 'Add to the stake of a server'
  static override description = 'Anyone may pay. The stake belongs to the server and goes to its payout account when it leaves.'
  static override args = { server: Args.string({ description: 'Id of the server' }) }
  static override flags = {
    server: Flags.string({ description: 'Id of the server' }),
    amount: Flags.string({ description: 'How much to add, in whole tokens' }),
    ...walletFlags,
    ...discoveryFlags,
    ...chainFlags,
  }

  async run(): Promise<void> {
    const server = await askText(this.args.server ?? this.flags.server, { flag: 'server', what: 'the id of the server' })
    const id = parseId(server, 'The id of a server')
    const text = await askText(this.flags.amount, { flag: 'amount', what: 'how much to add, in whole tokens' })
    const deployed = await connect(this.settings)
    const token = await stakeTokenOf(deployed, id)
    const amount = parseAmount(text, token.decimals, 'amount')
    if (amount === 0n) throw new CliError('usage', 'invalid_value', 'Nothing would be staked: give an --amount above zero.')
    const account = await walletOf(this.settings)
    const { steps, result } = addStake(deployed, account, { id, amount, token, discovery: this.settings.urls('discovery') })
    const pending = await runTransaction(steps)
    const { stake, transaction, block } = result()
    this.output.result({ server: id, added: amount, stake, token: token.address, transaction, block: Number(block) }, () => {
      return `Server ${id} now has a stake of ${formatAmount(stake, token)}.`
    })
    if (pending) throw pending
  }
}
