import { neighborhoodRegistryAbi } from '@dred/contracts'
import { Flags } from '@oclif/core'
import { getAddress, isAddress } from 'viem'
import { askText } from '../ask.ts'
import { BaseCommand } from '../base-command.ts'
import { CliError } from '../errors.ts'
import { chainFlags, discoveryFlags, neighborhoodFlags, serverKeyFlags, walletFlags } from '../flags.ts'
import { fields } from '../output.ts'
import { connect, tokenInfo } from '../services/chain.ts'
import { walletOf } from '../services/keystore.ts'
import { registerServer } from '../services/register.ts'
import { openServerKey } from '../services/server-key.ts'
import { runTransaction } from '../services/transact.ts'
import { formatAmount, parseAmount, parseId } from '../units.ts'

export default class Register extends BaseCommand<typeof Register> {
  static override summary = 'Register a server in a neighborhood and stake for it'
  static override description =
    `The wallet becomes the server's operator and pays the stake. Balance, endpoint, key and stake are checked before
any money moves. The server is pending, and clients are not told of it, until attesters have examined it: see dred server status.`
  static override examples = ['<%= config.bin %> register --neighborhood 1 --endpoint https://relay.example.org --key-file server.pem']
  static override flags = {
    endpoint: Flags.string({ description: 'Public origin of the server, e.g. https://relay.example.org' }),
    stake: Flags.string({ description: "How much to stake, in whole tokens; the neighborhood's least by default" }),
    did: Flags.string({ description: "The operator's DID; did:pkh of the wallet by default" }),
    payout: Flags.string({ description: 'Account that will receive the stake; the wallet by default' }),
    ...neighborhoodFlags,
    ...serverKeyFlags,
    ...walletFlags,
    ...discoveryFlags,
    ...chainFlags,
  }

  async run(): Promise<void> {
    const { flags, settings } = this
    const given = await askText(settings.text('neighborhood'), { flag: 'neighborhood', what: 'the id of the neighborhood' })
    const neighborhood = parseId(given, 'The id of a neighborhood')
    const endpoint = await askText(flags.endpoint, { flag: 'endpoint', what: 'the public origin of the server' })
    const payout = flags.payout
    if (payout !== undefined && !isAddress(payout))
      throw new CliError('usage', 'invalid_value', `--payout has to be an address, not ${payout}.`)
    const key = await openServerKey(settings)
    const account = await walletOf(settings)
    const deployed = await connect(settings)
    const { stakeToken, minStake } = await deployed.client.readContract({
      address: deployed.neighborhoodRegistry,
      abi: neighborhoodRegistryAbi,
      functionName: 'parametersOf',
      args: [neighborhood],
    })
    const token = await tokenInfo(deployed.client, stakeToken)
    const request = {
      neighborhood,
      key,
      endpoint,
      did: flags.did ?? `did:pkh:eip155:${deployed.chainId}:${account.address}`,
      payout: payout === undefined ? account.address : getAddress(payout),
      stake: flags.stake === undefined ? minStake : parseAmount(flags.stake, token.decimals, 'stake'),
      minStake,
      token,
      discovery: settings.urls('discovery'),
    }
    const { steps, result } = await registerServer(deployed, account, request)
    const pending = await runTransaction(steps)
    const { id, keyId, transaction, block } = result()
    const { did, stake } = request
    const document = {
      server: id,
      neighborhood: String(neighborhood),
      operator: account.address,
      payout: request.payout,
      keyId,
      endpoint,
      did,
      stake,
    }
    this.output.result({ ...document, status: 'pending', transaction, block: Number(block) }, () => {
      const about = fields([
        ['server', String(id)],
        ['neighborhood', String(neighborhood)],
        ['endpoint', endpoint],
        ['stake', formatAmount(stake, token)],
        ['transaction', transaction],
      ])
      const next = `It is pending until an attester of neighborhood ${neighborhood} has examined it: start it (dred serve) and tell them.`
      return `${about}\n\n${next}`
    })
    if (pending) throw pending
  }
}
