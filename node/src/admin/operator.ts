import type { FastifyBaseLogger } from 'fastify'
import type { RegistryView } from '../chain/port.ts'
import type { Connections } from '../http/connections.ts'
import type { Limiter } from '../limits/limiter.ts'
import type { Membership } from '../membership.ts'
import type { Replication } from '../processes/index.ts'
import type { Realtime } from '../realtime/realtime.ts'
import type { Store } from '../store/port.ts'
import type { Certificates } from '../tls/port.ts'
import { examine } from './checks.ts'
import { adminCommands, type Command } from './commands.ts'
import type { Check } from './server.ts'

export interface OperatorOptions {
  store: Store
  registry: RegistryView
  membership: Membership
  limiter: Limiter
  realtime: Realtime
  replication: Replication
  certificates: Certificates | undefined
  logger: FastifyBaseLogger
  /** Unix milliseconds. */
  now: () => number
}

/** What the operator of a process sees of it and makes it do. */
export class Operator {
  readonly #options: OperatorOptions
  #draining = false

  constructor(options: OperatorOptions) {
    this.#options = options
  }

  /** Everybody is sent elsewhere, but the process goes on. */
  get draining(): boolean {
    return this.#draining
  }

  /** What has to be right for the process to be of use. */
  checks(closing: boolean): Promise<Record<string, Check>> {
    const { store, registry, membership, certificates, now } = this.#options
    const standing = membership.standing()
    return examine({ store, registry, certificates, now, standing, closing: closing || this.#draining })
  }

  commands(connections: Connections): ReadonlyMap<string, Command> {
    const { limiter, realtime, replication, membership, logger, now } = this.#options
    limiter.blocks.onBlock(({ kind, key }) => {
      if (kind === 'address') connections.destroy(key)
      if (kind === 'channel') realtime.hub.closeChannel(key, 'not_serving', 5_000)
    })
    return adminCommands({
      store: this.#options.store,
      limiter,
      connections,
      streams: realtime.hub,
      relay: () => replication.replicator.statistics(),
      standing: () => membership.standing(),
      checks: () => this.checks(false),
      leads: replication.leads,
      drain: () => {
        this.#draining = true
        realtime.closeAll('shutting_down', 250)
      },
      isDraining: () => this.#draining,
      logger,
      now,
    })
  }
}
