import { neighborhoodRegistryAbi } from '@dred/contracts'
import { type Command, Flags } from '@oclif/core'
import { neighborhoodChangeFlags, NeighborhoodCommand } from './neighborhood-command.ts'
import type { Sent } from './registry-command.ts'
import { connect } from './services/chain.ts'

export const registrationsFlags = {
  everywhere: Flags.boolean({ description: 'In every neighborhood of the registry' }),
  ...neighborhoodChangeFlags,
}

/** A command that pauses or resumes registrations. */
export abstract class RegistrationsCommand<T extends typeof Command> extends NeighborhoodCommand<T> {
  /** Sends nothing when they are so already. */
  protected async setPaused(where: { everywhere: boolean; id: string | undefined }, paused: boolean): Promise<void> {
    const { everywhere } = where
    // To the registry, 0 is every neighborhood.
    const id = everywhere ? 0 : await this.neighborhoodId(where.id)
    const sent = await this.#send(id, paused)
    const registrations = `Registrations ${everywhere ? 'everywhere' : `in neighborhood ${id}`}`
    const document = { neighborhood: everywhere ? null : String(id), registrationsPaused: paused }
    if (sent) return this.finish(sent, document, () => `${registrations} ${paused ? 'are paused' : 'go on'}.`)
    this.output.result(
      { ...document, transaction: null },
      () => `${registrations} are ${paused ? 'paused already' : 'not paused'}: nothing is sent.`,
    )
  }

  async #send(id: number, paused: boolean): Promise<Sent | undefined> {
    const deployed = await connect(this.settings)
    const call = { address: deployed.neighborhoodRegistry, abi: neighborhoodRegistryAbi, functionName: 'registrationsPaused' } as const
    const isPaused = (of: number) => deployed.client.readContract({ ...call, args: [of] })
    const [here, everywhere] = await Promise.all([isPaused(id), isPaused(0)])
    // What is paused everywhere may also be paused here: the registry does not tell.
    if (here === paused && (id === 0 || !everywhere)) return undefined
    const functionName = paused ? 'pauseRegistrations' : 'resumeRegistrations'
    return this.change(id, { label: paused ? 'pause' : 'resume', functionName, deployed })
  }
}
