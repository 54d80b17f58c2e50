import { neighborhoodRegistryAbi } from '@dred/contracts'
import { parseEventLogs } from 'viem'
import { CliError } from '../../../errors.ts'
import { neighborhoodArgs, neighborhoodChangeFlags, NeighborhoodCommand } from '../../../neighborhood-command.ts'
import { changeFlags } from '../../../parameter-flags.ts'
import { connect, tokenInfo } from '../../../services/chain.ts'
import { parametersView } from '../../../services/neighborhoods-on-chain.ts'
import { changeParameters } from '../../../services/parameters.ts'
import { time } from '../../../units.ts'

export default class ParametersStage extends NeighborhoodCommand<typeof ParametersStage> {
  static override summary = 'Announce changed parameters, which can be applied after the present unbonding time'
  static override description =
    `By the owner's wallet. What is left out stays as it is. Every operator can leave under the present parameters meanwhile. They replace
what was announced before, and the wait begins again.`
  static override examples = ['<%= config.bin %> neighborhood parameters stage 7 --min-stake 200 --unbonding 14d']
  static override args = neighborhoodArgs
  static override flags = { ...changeFlags, ...neighborhoodChangeFlags }

  async run(): Promise<void> {
    const id = await this.neighborhoodId(this.args.id)
    if (Object.keys(changeFlags).every((name) => !Object.hasOwn(this.flags, name)))
      throw new CliError('usage', 'missing_value', 'Say what to change: set --min-stake, --unbonding or another of the flags of --help.')
    const deployed = await connect(this.settings)
    const call = { address: deployed.neighborhoodRegistry, abi: neighborhoodRegistryAbi, functionName: 'parametersOf' } as const
    const present = await deployed.client.readContract({ ...call, args: [id] })
    const { decimals } = await tokenInfo(deployed.client, present.stakeToken)
    const parameters = changeParameters(present, this.flags, decimals)
    const sent = await this.change(id, { label: 'announce parameters', functionName: 'stageParameters', args: [parameters], deployed })
    const [event] = parseEventLogs({ abi: neighborhoodRegistryAbi, eventName: 'ParametersStaged', logs: sent.receipt.logs })
    const effectiveAt = event?.args.effectiveAt ?? 0
    this.finish(
      sent,
      { neighborhood: String(id), effectiveAt, parameters: parametersView(parameters) },
      () => `Announced. From ${time(effectiveAt)} anybody can apply them: dred neighborhood parameters apply ${id}`,
    )
  }
}
