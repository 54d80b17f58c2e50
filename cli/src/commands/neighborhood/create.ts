import { Flags } from '@oclif/core'
import { type Hex, isHex, size, zeroHash } from 'viem'
import { askText } from '../../ask.ts'
import { BaseCommand } from '../../base-command.ts'
import { CliError } from '../../errors.ts'
import { chainFlags, discoveryFlags, stakeTokenFlags, walletFlags } from '../../flags.ts'
import { fields } from '../../output.ts'
import { connect, tokenInfo } from '../../services/chain.ts'
import { walletOf } from '../../services/keystore.ts'
import { createNeighborhood } from '../../services/neighborhoods.ts'
import { runTransaction } from '../../services/transact.ts'
import { parseAmount, parseDuration } from '../../units.ts'

export default class NeighborhoodCreate extends BaseCommand<typeof NeighborhoodCreate> {
  static override summary = 'Create a neighborhood that the wallet owns'
  static override examples = ['<%= config.bin %> neighborhood create --name "My app" --min-stake 100 --redundancy 3']
  static override flags = {
    name: Flags.string({ description: 'Its name, 1 to 64 bytes' }),
    uri: Flags.string({ description: 'Where the application or its description lives', default: '' }),
    'content-hash': Flags.string({ description: 'Hash of what the URI serves, 0x and 64 hexadecimal digits', default: zeroHash }),
    'min-stake': Flags.string({ description: 'Least stake of a server, in whole tokens', helpValue: 'AMOUNT' }),
    unbonding: Flags.string({ description: 'Wait between exit and withdrawal, 1d to 30d', default: '7d' }),
    'max-servers': Flags.integer({ description: 'Most servers at once, 1 to 64', default: 16, min: 0, max: 255 }),
    redundancy: Flags.integer({ description: 'Number of servers wanted', default: 3, min: 0, max: 255 }),
    'max-channel-lifetime': Flags.string({ description: 'Longest life of a channel', default: '30d' }),
    'max-channel-idle': Flags.string({ description: 'Longest time a channel lives without a message', default: '7d' }),
    'max-message-bytes': Flags.integer({ description: 'Largest message', default: 65_536, min: 0 }),
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
    const contentHash = flags['content-hash']
    if (!isHash(contentHash)) throw new CliError('usage', 'invalid_value', '--content-hash has to be 0x and 64 hexadecimal digits.')
    const durations = {
      unbondingSeconds: parseDuration(flags.unbonding, 'unbonding'),
      maxChannelLifetimeSeconds: parseDuration(flags['max-channel-lifetime'], 'max-channel-lifetime'),
      maxChannelIdleSeconds: parseDuration(flags['max-channel-idle'], 'max-channel-idle'),
    }
    const account = await walletOf(settings)
    const deployed = await connect(settings)
    const token = await tokenInfo(deployed.client, stakeToken)
    const parameters = {
      stakeToken,
      minStake: parseAmount(leastStake, token.decimals, 'min-stake'),
      ...durations,
      maxServers: flags['max-servers'],
      redundancy: flags.redundancy,
      maxMessageBytes: flags['max-message-bytes'],
    }
    const neighborhood = { name, uri: flags.uri, contentHash, parameters }
    const { steps, result } = createNeighborhood(deployed, account, { neighborhood, discovery: settings.urls('discovery') })
    const pending = await runTransaction(steps)
    const created = result()
    this.output.result({ ...created, block: Number(created.block), owner: account.address, ...neighborhood }, () =>
      fields([
        ['neighborhood', created.id],
        ['owner', account.address],
        ['transaction', created.transaction],
      ]),
    )
    if (pending) throw pending
  }
}

function isHash(text: string): text is Hex {
  return isHex(text) && size(text) === 32
}
