import { Args, Flags } from '@oclif/core'
import { getAddress, isAddress } from 'viem'
import { BaseCommand } from '../../base-command.ts'
import { plannedDeployment } from '../../dev/deploy.ts'
import { fund } from '../../dev/fund.ts'
import { loadDevKeys } from '../../dev/keys.ts'
import { liveOwner } from '../../dev/lock.ts'
import { devPaths } from '../../dev/paths.ts'
import { CliError } from '../../errors.ts'
import { walletFlags } from '../../flags.ts'
import { walletAddress } from '../../services/keystore.ts'
import { runSteps } from '../../steps.ts'
import { parseAmount } from '../../units.ts'

export default class DevFund extends BaseCommand<typeof DevFund> {
  static override summary = 'Give an account play money on the network that runs in this folder'
  static override description = 'Ether to pay for gas and tokens to stake, worth nothing anywhere else: what an operator needs to practise.'
  static override examples = ['<%= config.bin %> dev fund 0x…', '<%= config.bin %> dev fund --wallet operator.json']
  static override args = { account: Args.string({ description: "Its address; that of the configured wallet's file by default" }) }
  static override flags = {
    tokens: Flags.string({ description: 'How many whole tokens', default: '1000', helpValue: 'AMOUNT' }),
    ether: Flags.string({ description: 'How much ether', default: '10', helpValue: 'AMOUNT' }),
    wallet: walletFlags.wallet,
  }

  async run(): Promise<void> {
    const given = this.args.account ?? (await walletAddress(this.settings))
    if (!isAddress(given, { strict: false }))
      throw new CliError('usage', 'invalid_value', `The account has to be an address (0x and 40 hexadecimal digits), not ${given}.`)
    const account = getAddress(given)
    const amounts = { tokens: parseAmount(this.flags.tokens, 18, 'tokens'), ether: parseAmount(this.flags.ether, 18, 'ether') }
    const paths = devPaths(process.cwd())
    const network = (await liveOwner(paths.lock))?.network
    if (!network) throw new CliError('failure', 'not_running', 'No network is ready in this folder: start one with `dred dev`.')
    const { deployer } = await loadDevKeys(paths.keys, 0)
    const { chainId, rpcUrl } = network
    const { stakeToken } = plannedDeployment(deployer.address, chainId)
    const { steps, result, describe } = fund({ rpcUrl, chainId, stakeToken }, deployer, { account, ...amounts })
    await runSteps(steps)
    this.output.result({ account, ...result(), stakeToken }, () => `${account} now has ${describe()}.`)
  }
}
