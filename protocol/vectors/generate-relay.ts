// Writes the test vectors of what relays compute and sign: `node protocol/vectors/generate-relay.ts`. Fixed keys and deterministic
// signatures: the output is the same on every run, and a test holds it against the committed file.
import { writeFileSync } from 'node:fs'
import {
  decodeRoundTrip,
  encodeRoundTrip,
  epochOf,
  HybridClock,
  type LatencyRow,
  latencyRowBytes,
  type Receipt,
  relayReceiptBytes,
} from '../src/relay/index.ts'
import { signatureBytes } from '../src/statements/index.ts'
import { hex, plain } from './json.ts'
import { keyOf, sign } from './p256.ts'

const context = { chainId: 31_337, serverRegistry: `0x${'5f'.repeat(20)}`, neighborhood: '7' }
const key = keyOf('server')

const epochs = [[], [1], [1, 2, 3], [3, 1, 2], [9, 10, 23, 24, 255, 256, 65_536, 4_294_967_295], Array.from({ length: 256 }, (_, i) => i + 1)]

const milliseconds = [0, 0.04, 0.1, 0.5, 1, 1.5, 2, 5, 10, 20, 40, 80.25, 100, 150, 200, 333, 500, 1_000, 5_000, 30_000, 60_000, 62_757, 1e9]

/** What happens to a clock: the wall clock's milliseconds at a tick, or the reading of another clock. */
type ClockStep = { tick: number } | { observe: number }
const sequences: { name: string; steps: ClockStep[] }[] = [
  { name: 'time goes on', steps: [{ tick: 1_246_420_826_000 }, { tick: 1_246_420_826_001 }, { tick: 1_246_420_827_000 }] },
  { name: 'time stands still', steps: [{ tick: 1_000 }, { tick: 1_000 }, { tick: 1_000 }, { tick: 1_001 }] },
  { name: 'time goes back', steps: [{ tick: 1_000 }, { tick: 10 }, { tick: 11 }, { tick: 1_001 }] },
  { name: 'another clock is ahead', steps: [{ tick: 1_000 }, { observe: 3_000_007 }, { tick: 1_001 }, { tick: 3_000 }, { tick: 3_001 }] },
  { name: 'another clock is behind', steps: [{ tick: 1_000 }, { observe: 999_999 }, { tick: 1_000 }, { observe: 1_000_001 }, { tick: 1_000 }] },
]

function readings(steps: readonly ClockStep[]): number[] {
  const clock = new HybridClock()
  return steps.flatMap((step) => {
    if ('tick' in step) return [clock.tick(step.tick)]
    clock.observe(step.observe)
    return []
  })
}

const rows: [name: string, row: LatencyRow][] = [
  ['a row', { server: 2, clock: 1_246_420_826_000, epoch: epochOf([1, 2, 3]), roundTrips: Uint8Array.of(encodeRoundTrip(40), 0, encodeRoundTrip(81)) }],
  ['an empty row', { server: 4_294_967_295, clock: 0, epoch: 0, roundTrips: new Uint8Array() }],
]
const receipts: [name: string, receipt: Receipt][] = [
  [
    'a receipt',
    {
      server: 2,
      sender: 3,
      clock: 1_246_420_826_000,
      items: [
        { server: 1, incarnation: 1_246_420_820_000, upTo: 70, count: 64 },
        { server: 3, incarnation: 1_246_420_821_000, upTo: 0, count: 1 },
      ],
    },
  ],
  ['a receipt for nothing', { server: 2, sender: 3, clock: 1, items: [] }],
]

const signed = (bytes: Uint8Array) => ({ signedHex: hex(bytes), signatureHex: hex(signatureBytes(sign(key, bytes))) })

const content = {
  epochs: epochs.map((ids) => ({ ids, epoch: epochOf(ids) })),
  roundTrips: {
    encoded: [{ ms: null, byte: encodeRoundTrip(undefined) }, ...milliseconds.map((ms) => ({ ms, byte: encodeRoundTrip(ms) }))],
    /** Of every byte, to a microsecond. */
    decodedMs: Array.from({ length: 256 }, (_, byte) => decodeRoundTrip(byte)).map((ms) => (ms === undefined ? null : Number(ms.toFixed(3)))),
  },
  clocks: sequences.map(({ name, steps }) => ({ name, steps, readings: readings(steps) })),
  statements: {
    context,
    key: { keyX: key.keyX, keyY: key.keyY },
    latencyRows: rows.map(([name, row]) => ({ name, row: plain(row), ...signed(latencyRowBytes(context, row)) })),
    receipts: receipts.map(([name, receipt]) => ({ name, receipt, ...signed(relayReceiptBytes(context, receipt)) })),
  },
}

writeFileSync(`${process.argv[2] ?? import.meta.dirname}/relay.json`, `${JSON.stringify(content, null, 2)}\n`)
