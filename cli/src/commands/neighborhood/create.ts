import { Flags } from '@oclif/core'
import { zeroAddress, zeroHash } from 'viem'
import { askText } from '../../ask.ts'
import { BaseCommand } from '../../base-command.ts'
import { chainFlags, discoveryFlags, stakeTokenFlags, walletFlags } from '../../flags.ts'
import { fields } from '../../output.ts'
import { admissionFlags, admissions, attesterListFlag, parameterFlags } from '../../parameter-flags.ts'
import { connect, tokenInfo } from '../../services/chain.ts'
import { walletOf } from '../../services/keystore.ts'
import { admissionView, parametersView } from '../../services/neighborhoods-on-chain.ts'
import { createNeighborhood } from '../../services/neighborhoods.ts'
import { addressOf, admissionOf, attestersOf, changeParameters, defaultParameters, hashOf } from '../../services/parameters.ts'
import { runTransaction } from '../../services/transact.ts'

export default class NeighborhoodCreate extends BaseCommand<typeof NeighborhoodCreate> {
  static override summary = 'Create a neighborhood that the wallet owns'
  static override description =
    'Only attested servers are active: appoint attesters at once by --attester, or later by `dred neighborhood attesters`.'
  static override examples = [
    '<%= config.bin %> neighborhood create --name "My app" --min-stake 100 --redundancy 3 --attester 0x…:attester.pem',
  ]
  static override flags = {
    name: Flags.string({ description: 'Its name, 1 to 64 bytes' }),
    uri: Flags.string({ description: 'Where the application or its description lives', default: '' }),
    'content-hash': Flags.string({ description: 'Hash of what the URI serves, 0x and 64 hexadecimal digits', default: zeroHash }),
    ...parameterFlags,
    admission: Flags.option({ options: admissions, description: 'Who may register servers', default: 'open' as const })(),
    ...admissionFlags,
    attester: attesterListFlag,
    guardian: Flags.string({ description: 'Account that may pause registrations beside the owner', helpValue: 'ADDRESS' }),
    ...stakeTokenFlags,
    ...walletFlags,
    ...discoveryFlags,
    ...chainFlags,
  }

  async run(): Promise<void> {
    const { flags, settings } = this
    const stakeToken = settings.required('chain.stakeToken', settings.address('chain.stakeToken'))
    const name = await askText(flags.name, { flag: 'name', what: 'the name of the neighborhood' })
    const leastStake = await askText(flags['min-stake'], { flag: 'min-stake', what: 'the least stake of a server, in whole tokens' })
    const contentHash = hashOf(flags['content-hash'], 'content-hash')
    const admission = admissionOf(flags)
    const attesters = await attestersOf(flags.attester ?? [])
    const guardian = flags.guardian === undefined ? zeroAddress : addressOf(flags.guardian, 'guardian')
    const account = await walletOf(settings)
    const deployed = await connect(settings)
    const token = await tokenInfo(deployed.client, stakeToken)
    const base = { stakeToken, minStake: 0n, ...defaultParameters, hashOf }
    const parameters = changeParameters(base, { ...flags, 'min-stake': leastStake }, token.decimals)
    const neighborhood = { name, uri: flags.uri, contentHash, parameters, admission, guardian, attesters }
    const { steps, result } = createNeighborhood(deployed, account, { neighborhood, discovery: settings.urls('discovery') })
    const pending = await runTransaction(steps)
    const created = result()
    const document = {
      ...created,
      block: Number(created.block),
      owner: account.address,
      ...neighborhood,
      parameters: parametersView(parameters),
      admission: admissionView(admission),
    }
    this.output.result(document, () =>
      fields([
        ['neighborhood', created.id],
        ['owner', account.address],
        ['transaction', created.transaction],
      ]),
    )
    if (pending) throw pending
  }
}
