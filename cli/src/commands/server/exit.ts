import { serverRegistryAbi } from '@dred/contracts'
import { parseEventLogs } from 'viem'
import { chainFlags, discoveryFlags, walletFlags } from '../../flags.ts'
import { serverArgs, ServerCommand, serverFlags } from '../../server-command.ts'
import { connect } from '../../services/chain.ts'
import { walletOf } from '../../services/keystore.ts'
import { serverCall } from '../../services/server-calls.ts'
import { time } from '../../units.ts'

export default class ServerExit extends ServerCommand<typeof ServerExit> {
  static override summary = 'Take a server out of its neighborhood for good'
  static override description =
    `By the wallet of its operator or its payout account. It stops being served at once, and its stake can be withdrawn after the
neighborhood's unbonding time (dred stake withdraw). This cannot be taken back.`
  static override args = serverArgs
  static override flags = { ...serverFlags, ...walletFlags, ...discoveryFlags, ...chainFlags }

  async run(): Promise<void> {
    const id = await this.serverId(this.args.server ?? this.flags.server)
    const account = await walletOf(this.settings)
    const deployed = await connect(this.settings)
    const sent = await this.send(deployed, account, serverCall(deployed, id, { label: 'exit', functionName: 'requestExit' }))
    const [event] = parseEventLogs({ abi: serverRegistryAbi, eventName: 'ExitRequested', logs: sent.receipt.logs })
    const unlockAt = event?.args.unlockAt ?? 0
    this.finish(sent, { server: id, unlockAt }, () => `Server ${id} leaves. Its stake can be withdrawn from ${time(unlockAt)}.`)
  }
}
