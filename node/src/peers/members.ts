import { epochOf, type RelayEvent } from '@dred/protocol/relay'
import type { RegistryView } from '../chain/port.ts'
import { isLeaving, linkedServers } from '../chain/standing.ts'

/** Lists that are remembered: peers may still name one that was replaced a moment ago. */
const KEPT = 4

/** Who replicates, and the lists of servers that epochs name. */
export class Members {
  readonly #registry: RegistryView
  readonly #lists = new Map<number, readonly number[]>()

  constructor(registry: RegistryView) {
    this.#registry = registry
  }

  /** As the registry has it now. */
  read(): Extract<RelayEvent, { type: 'members' }> {
    const members = linkedServers(this.#registry).map((server) => ({ id: server.id, leaving: isLeaving(server) }))
    const list = members.filter(({ leaving }) => !leaving).map(({ id }) => id)
    const epoch = epochOf(list)
    this.#lists.delete(epoch)
    this.#lists.set(epoch, list)
    const [oldest] = this.#lists.keys()
    if (this.#lists.size > KEPT && oldest !== undefined) this.#lists.delete(oldest)
    return { type: 'members', members, epoch }
  }

  /** Ids of an epoch's servers, ascending; undefined for one that is not known here. */
  readonly listOf = (epoch: number): readonly number[] | undefined => this.#lists.get(epoch)
}
