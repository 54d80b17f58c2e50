import { chainFlags, discoveryFlags, walletFlags } from '../../flags.ts'
import { serverArgs, ServerCommand, serverFlags } from '../../server-command.ts'
import { connect } from '../../services/chain.ts'
import { walletOf } from '../../services/keystore.ts'
import { serverCall } from '../../services/server-calls.ts'

export default class ServerAcceptPayout extends ServerCommand<typeof ServerAcceptPayout> {
  static override summary = 'Become the account that receives a stake, when it was offered to this wallet'
  static override args = serverArgs
  static override flags = { ...serverFlags, ...walletFlags, ...discoveryFlags, ...chainFlags }

  async run(): Promise<void> {
    const id = await this.serverId(this.args.server ?? this.flags.server)
    const account = await walletOf(this.settings)
    const deployed = await connect(this.settings)
    const sent = await this.send(deployed, account, serverCall(deployed, id, { label: 'accept payout', functionName: 'acceptPayout' }))
    this.finish(sent, { server: id, payout: account.address }, () => `Server ${id} pays out to ${account.address}.`)
  }
}
