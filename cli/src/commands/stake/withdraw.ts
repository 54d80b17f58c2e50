import { serverRegistryAbi } from '@dred/contracts'
import { parseEventLogs } from 'viem'
import { chainFlags, discoveryFlags, walletFlags } from '../../flags.ts'
import { serverArgs, ServerCommand, serverFlags } from '../../server-command.ts'
import { connect } from '../../services/chain.ts'
import { walletOf } from '../../services/keystore.ts'
import { expectUnlocked, readStake, serverCall } from '../../services/server-calls.ts'
import { formatAmount } from '../../units.ts'

export default class StakeWithdraw extends ServerCommand<typeof StakeWithdraw> {
  static override summary = "Pay a server's stake out to its payout account, once its exit's unbonding is over"
  static override description = "By the wallet of the server's operator or its payout account."
  static override args = serverArgs
  static override flags = { ...serverFlags, ...walletFlags, ...discoveryFlags, ...chainFlags }

  async run(): Promise<void> {
    const id = await this.serverId(this.args.server ?? this.flags.server)
    const deployed = await connect(this.settings)
    const view = await readStake(deployed, id)
    await expectUnlocked(deployed, view)
    const account = await walletOf(this.settings)
    const sent = await this.send(deployed, account, serverCall(deployed, id, { label: 'withdraw', functionName: 'withdraw' }))
    const [event] = parseEventLogs({ abi: serverRegistryAbi, eventName: 'Withdrawn', logs: sent.receipt.logs })
    const { payout = '', amount = 0n } = event?.args ?? {}
    this.finish(sent, { server: id, payout, amount }, () => `Paid ${formatAmount(amount, view.token)} to ${payout}.`)
  }
}
