import type { FastifyBaseLogger } from 'fastify'
import { logLevels } from '../config.ts'
import type { Connections } from '../http/connections.ts'
import type { Limiter } from '../limits/limiter.ts'
import type { Standing } from '../membership.ts'
import type { RelayStatistics } from '../peers/port.ts'
import type { Store } from '../store/port.ts'
import { backUp } from './backup.ts'
import { malformed, readBlockable, readSeconds } from './block-request.ts'
import type { Check } from './server.ts'

export interface CommandsOptions {
  store: Pick<Store, 'backup'>
  limiter: Limiter
  connections: Connections
  streams: { readonly streams: number; readonly subscriptions: number }
  relay: () => RelayStatistics
  standing: () => Standing
  checks: () => Promise<Record<string, Check>>
  /** Whether this process holds the links to the peers. */
  leads: () => boolean
  /** Sends streams elsewhere and takes no more requests; the process goes on. */
  drain: () => void
  isDraining: () => boolean
  logger: Pick<FastifyBaseLogger, 'level' | 'info'>
  /** Unix milliseconds. */
  now: () => number
}

export type Fields = Readonly<Record<string, unknown>>
/** @param fields of the body, or of the query where there is none */
export type Command = (fields: Fields) => object | Promise<object>

/** What an operator can ask and tell a process, by method and path. */
export function adminCommands(options: CommandsOptions): Map<string, Command> {
  const { store, limiter, connections, streams, relay, standing, checks, leads, drain, isDraining, logger, now } = options
  const counts = () => ({ streams: streams.streams, subscriptions: streams.subscriptions, connections: connections.count })
  const limits = () => ({ limits: limiter.limits, remembered: limiter.remembered, blocks: limiter.blocks.list })
  return new Map<string, Command>([
    [
      'GET /admin/status',
      async () => ({
        draining: isDraining(),
        leads: leads(),
        logLevel: logger.level,
        standing: standing(),
        checks: await checks(),
        links: relay().links,
        ...counts(),
      }),
    ],
    ['GET /admin/streams', counts],
    ['GET /admin/limits', limits],
    [
      'POST /admin/drain',
      () => {
        logger.info({}, 'draining, as its operator asked')
        drain()
        return { draining: true }
      },
    ],
    ['POST /admin/backup', (fields) => backUp(store, fields)],
    [
      'POST /admin/log-level',
      ({ level }) => {
        const known = logLevels.find((name) => name === level)
        if (known === undefined) throw malformed(`level has to be one of ${logLevels.join(', ')}`)
        logger.level = known
        return { level: known }
      },
    ],
    [
      'POST /admin/limits/block',
      (fields) => {
        const block = { ...readBlockable(fields), until: now() + readSeconds(fields) * 1_000 }
        limiter.blocks.set(block)
        logger.info(block, 'blocked by its operator')
        return block
      },
    ],
    [
      'DELETE /admin/limits/block',
      (fields) => {
        const block = { ...readBlockable(fields), until: 0 }
        limiter.blocks.set(block)
        logger.info(block, 'no longer blocked by its operator')
        return block
      },
    ],
  ])
}
