import { type Coordinate, originOf, VersionVector } from '@dred/protocol'
import type { Entry, LoggedMessage, Store } from './store/port.ts'

/** Messages read from the store at once: at the largest message size a few megabytes. */
const BATCH = 64

/** A channel's messages that `seen` does not cover, in log order, up to the end of the log at the last read. */
export async function* readForward(store: Store, channel: string, seen: VersionVector): AsyncGenerator<LoggedMessage> {
  const read = seen.clone()
  let after: number | undefined
  for (;;) {
    const batch = await store.readForward(channel, read, { limit: BATCH, ...(after === undefined ? {} : { after }) })
    yield* batch
    if (batch.length < BATCH) return
    // The store looks for what follows by these counts, so that it reads little of what is covered.
    for (const { entry } of batch) read.raise(originOf(entry.coordinate), entry.coordinate.n)
    after = batch.at(-1)?.position
  }
}

/**
 * A channel's messages from the newest to the oldest.
 * @param within what to stay within; all, when undefined
 * @param vector where the channel's live end was before the first read
 */
export async function* readBackward(
  store: Store,
  channel: string,
  { within, vector }: { within: VersionVector | undefined; vector: VersionVector },
): AsyncGenerator<LoggedMessage> {
  let rest = within
  for (;;) {
    const batch = await store.readBackward(channel, rest, BATCH)
    yield* batch.toReversed()
    if (batch.length < BATCH) return
    const coordinates = batch.map(({ entry }) => entry.coordinate)
    rest = stateBefore(rest ?? stateAfter(vector, coordinates), coordinates)
  }
}

/** What is known after the messages at these coordinates. One origin's entries are logged in order: one covers all before it. */
export function stateAfter(vector: VersionVector, coordinates: readonly Coordinate[]): VersionVector {
  const after = vector.clone()
  for (const coordinate of coordinates) after.raise(originOf(coordinate), coordinate.n)
  return after
}

/** What was known before these messages, which are the last of the log that `vector` covers. */
export function stateBefore(vector: VersionVector, coordinates: readonly Coordinate[]): VersionVector {
  const data: Record<string, number[]> = vector.toData()
  for (const coordinate of coordinates) {
    const origin = originOf(coordinate)
    const [upTo = 0, ...beyond] = data[origin] ?? []
    data[origin] = [Math.min(upTo, coordinate.n - 1), ...beyond.filter((n) => n < coordinate.n)]
  }
  return VersionVector.from(data)
}

/** A message as it is delivered, as JSON text: the signed bytes are never parsed again. */
export function deliveredJson({ id, sig, coordinate, canonical }: Entry & { kind: 'message' }, cursor: string): string {
  const { server, incarnation, n } = coordinate
  return `{"id":"${id}","sig":"${sig}","cursor":"${cursor}","origin":{"server":${server},"incarnation":${incarnation},"n":${n}},${canonical.slice(1)}`
}
