import { type Coordinate, type Origin, originOf, parseOrigin, VersionVector } from '@dred/protocol'
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
    for (const message of batch) advance(read, message)
    after = batch.at(-1)?.position
  }
}

/** A channel's messages that `within` covers, from the newest to the oldest. */
export async function* readBackward(store: Store, channel: string, within: VersionVector): AsyncGenerator<LoggedMessage> {
  let before: number | undefined
  for (;;) {
    const batch = await store.readBackward(channel, within, { limit: BATCH, ...(before === undefined ? {} : { before }) })
    yield* batch.toReversed()
    if (batch.length < BATCH) return
    before = batch[0]?.position
  }
}

/**
 * Moves what a reader has on past a message, which it got with everything that the log has before it.
 * @param within what it keeps to of that, if not all
 */
export function advance(state: VersionVector, { entry, watermark }: Omit<LoggedMessage, 'position'>, within?: VersionVector): void {
  const origin = originOf(entry.coordinate)
  state.raise(origin, Math.min(watermark, within?.watermark(origin) ?? watermark))
  state.add(origin, entry.coordinate.n)
}

/**
 * What is left of what `vector` covers of a channel without these messages, in log order: the last of it in the store's log. What is not
 * in the log, and has higher counts than one of them, is left out too: a vector cannot say it.
 */
export async function stateBefore(store: Store, vector: VersionVector, messages: readonly LoggedMessage[]): Promise<VersionVector> {
  const [oldest] = messages
  if (!oldest) return vector
  const lowest: Record<Origin, number> = {}
  for (const { entry } of messages) {
    const origin = originOf(entry.coordinate)
    lowest[origin] = Math.min(entry.coordinate.n, lowest[origin] ?? entry.coordinate.n)
  }
  const taken = new Set(messages.map(({ entry }) => textOf(entry.coordinate)))
  const ahead = await store.ahead(oldest.entry.channel, lowest, oldest.position)
  const before = new VersionVector()
  for (const origin of vector.origins) {
    const [upTo, ...beyond] = vector.counts(origin)
    before.raise(origin, Math.min(upTo, (lowest[origin] ?? Number.POSITIVE_INFINITY) - 1))
    const { server, incarnation } = parseOrigin(origin)
    for (const n of beyond) if (!taken.has(textOf({ server, incarnation, n }))) before.add(origin, n)
  }
  for (const coordinate of ahead) {
    const origin = originOf(coordinate)
    if (vector.has(origin, coordinate.n)) before.add(origin, coordinate.n)
  }
  return before
}

function textOf(coordinate: Coordinate): string {
  return `${originOf(coordinate)}-${coordinate.n}`
}

/** A message as it is delivered, as JSON text: the signed bytes are never parsed again. */
export function deliveredJson({ id, sig, coordinate, canonical }: Entry & { kind: 'message' }, cursor: string): string {
  const { server, incarnation, n } = coordinate
  return `{"id":"${id}","sig":"${sig}","cursor":"${cursor}","origin":{"server":${server},"incarnation":${incarnation},"n":${n}},${canonical.slice(1)}`
}
