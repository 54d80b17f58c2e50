import type { LatencyRow, Receipt, SignedHead } from '../relay-statements.ts'
import { readCoordinate } from './entry-codec.ts'
import { relayLimits } from './limits.ts'
import { malformed, type Reader } from './reader.ts'
import type { Item } from './writer.ts'

export function readHead(reader: Reader): SignedHead {
  return { ...readCoordinate(reader), head: reader.bytes(relayLimits.headBytes), signature: readSignature(reader) }
}

export function latencyRowItems({ server, clock, epoch, roundTrips }: LatencyRow): Item[] {
  return [server, clock, epoch, roundTrips]
}

export function readLatencyRow(reader: Reader): LatencyRow {
  return {
    server: reader.server(),
    clock: reader.integer(),
    epoch: reader.epoch(),
    roundTrips: reader.bytes(0, relayLimits.coverServers),
  }
}

export function receiptItems({ server, sender, clock, items }: Receipt): Item[] {
  return [server, sender, clock, items.map((item) => [item.server, item.incarnation, item.upTo, item.count])]
}

export function readReceipt(reader: Reader): Receipt {
  const origins = new Set<string>()
  return {
    server: reader.server(),
    sender: reader.server(),
    clock: reader.integer(),
    items: reader.list(relayLimits.receiptItems, () => {
      reader.array(4)
      const item = { server: reader.server(), incarnation: reader.integer(1), upTo: reader.integer(), count: reader.integer(1) }
      const before = origins.size
      if (origins.add(`${item.server}-${item.incarnation}`).size === before) throw malformed('an origin comes twice')
      return item
    }),
  }
}

export function readSignature(reader: Reader): Uint8Array {
  return reader.bytes(relayLimits.signatureBytes)
}
