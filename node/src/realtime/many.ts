import type { StreamQuery, StreamsRequest } from '@dred/protocol'
import type { StreamStart } from '../channels.ts'
import type { Connection } from './connection.ts'
import type { Hub } from './hub.ts'

/** Channels of one stream whose history is looked for and read at once. */
const OPENING = 4

export interface ManyPlan extends Pick<StreamsRequest, 'channels'> {
  /** Where the stream of a channel starts. @throws DredError when it cannot be followed */
  start: (channel: string, query: StreamQuery) => Promise<StreamStart>
  /** Whether it tells on how many servers messages are stored. */
  receipts: boolean
  /** Whether it tells who is present. */
  presence?: boolean
}

/**
 * Begins to follow channels on a stream, a few at a time and in their order; of one that cannot be followed an `error` event tells.
 * @returns once the history of all was written, or the stream has ended
 */
export async function followMany(hub: Hub, connection: Connection, { channels, start, ...wants }: ManyPlan): Promise<void> {
  const ahead = Object.entries(channels).values()
  const openNext = async (): Promise<void> => {
    for (const [channel, cursor] of ahead) {
      if (connection.ended) return
      try {
        const plan = await start(channel, cursor === null ? {} : { after: cursor })
        await hub.follow(connection, { ...plan, ...wants })
      } catch (error) {
        connection.tellError(error, channel)
      }
    }
  }
  await Promise.all(Array.from({ length: OPENING }, openNext))
  connection.opened()
}
