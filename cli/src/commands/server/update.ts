import { Flags } from '@oclif/core'
import { CliError } from '../../errors.ts'
import { chainFlags, discoveryFlags, walletFlags } from '../../flags.ts'
import { fields } from '../../output.ts'
import type { Sent } from '../../registry-command.ts'
import { serverArgs, ServerCommand, serverFlags } from '../../server-command.ts'
import { connect } from '../../services/chain.ts'
import { walletOf } from '../../services/keystore.ts'
import { addressOf } from '../../services/parameters.ts'
import { serverCall } from '../../services/server-calls.ts'
import { readEndpoints, readServer } from '../../services/servers.ts'

export default class ServerUpdate extends ServerCommand<typeof ServerUpdate> {
  static override summary = "Change a server's endpoint, DID or payout account"
  static override description =
    `Endpoint and DID by the operator's wallet, the payout account by its own. A pending server has the new endpoint at once; an active one
keeps the present one until attesters have found it at the new one: serve at both until then. The new payout account has to accept
(dred server accept-payout).`
  static override examples = ['<%= config.bin %> server update 3 --endpoint https://relay2.example.org']
  static override args = serverArgs
  static override flags = {
    ...serverFlags,
    endpoint: Flags.string({ description: 'Public origin to move to; the present one takes a move back' }),
    did: Flags.string({ description: "The operator's DID" }),
    payout: Flags.string({ description: 'Account to offer the stake to; the zero address takes an offer back' }),
    ...walletFlags,
    ...discoveryFlags,
    ...chainFlags,
  }

  async run(): Promise<void> {
    const id = await this.serverId(this.args.server ?? this.flags.server)
    const { endpoint, did, payout } = this.flags
    const changes = [
      ...(endpoint === undefined ? [] : [{ label: 'set endpoint', functionName: 'setEndpoint', args: [endpoint] }]),
      ...(did === undefined ? [] : [{ label: 'set DID', functionName: 'setDid', args: [did] }]),
      ...(payout === undefined ? [] : [{ label: 'offer payout', functionName: 'proposePayout', args: [addressOf(payout, 'payout')] }]),
    ]
    if (changes.length === 0) throw new CliError('usage', 'missing_value', 'Say what to change: set --endpoint, --did or --payout.')
    const account = await walletOf(this.settings)
    const deployed = await connect(this.settings)
    const sent: Sent[] = []
    for (const change of changes) sent.push(await this.send(deployed, account, serverCall(deployed, id, change)))
    const last = sent.at(-1)
    if (!last) throw new Error('Nothing was sent')
    const { present, proposed = null } = await readEndpoints(deployed, id, await readServer(deployed, id))
    const offered = payout ?? null
    const document = { server: id, endpoint: present, proposedEndpoint: proposed, did: did ?? null, offeredPayout: offered }
    this.finish(last, document, () =>
      fields([
        ['server', String(id)],
        ['endpoint', present],
        ...(proposed === null ? [] : ([['moves to', `${proposed}, when attesters have found it there`]] satisfies [string, string][])),
        ...(did === undefined ? [] : ([['DID', did]] satisfies [string, string][])),
        ...(offered === null ? [] : ([['payout offered to', offered]] satisfies [string, string][])),
      ]),
    )
  }
}
