import { neighborhoodRegistryAbi } from '@dred/contracts'
import { Args, type Command } from '@oclif/core'
import { askText } from './ask.ts'
import { chainFlags, discoveryFlags, neighborhoodFlags, walletFlags } from './flags.ts'
import { RegistryCommand, type Sent } from './registry-command.ts'
import { connect, type Deployed } from './services/chain.ts'
import { walletOf } from './services/keystore.ts'
import { parseId } from './units.ts'

export const neighborhoodArgs = { id: Args.string({ description: 'Its id; the configured neighborhood by default' }) }

export const neighborhoodChangeFlags = { ...neighborhoodFlags, ...walletFlags, ...discoveryFlags, ...chainFlags }

/** A command that changes a neighborhood. */
export abstract class NeighborhoodCommand<T extends typeof Command> extends RegistryCommand<T> {
  /** @throws CliError `missing_value`, `invalid_value` */
  protected async neighborhoodId(given: string | undefined): Promise<number> {
    const id = given ?? this.settings.text('neighborhood')
    return parseId(await askText(id, { flag: 'neighborhood', what: 'the id of the neighborhood' }), 'The id of a neighborhood')
  }

  /** Sends one call to the registry of neighborhoods, whose first argument is the id. */
  protected async change(
    id: number,
    call: { label: string; functionName: string; args?: readonly unknown[]; deployed?: Deployed },
  ): Promise<Sent> {
    const { label, functionName, args = [] } = call
    const account = await walletOf(this.settings)
    const deployed = call.deployed ?? (await connect(this.settings))
    return this.send(deployed, account, {
      label,
      address: deployed.neighborhoodRegistry,
      abi: neighborhoodRegistryAbi,
      functionName,
      args: [id, ...args],
      // 0 stands for all of them.
      path: id === 0 ? '/v1/neighborhoods' : `/v1/neighborhoods/${id}`,
    })
  }
}
