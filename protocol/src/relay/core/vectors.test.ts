import { expect, it } from 'vitest'
import { VersionVector } from '../../version-vector.ts'
import { encodeFrame } from '../codec/encode-frame.ts'
import { relayLimits } from '../codec/limits.ts'
import { createRelay } from './relay.ts'
import { step } from './step.ts'
import type { CoreFrame, RelayEvent } from './types.ts'

const now = { monotonicMs: 1_000, unixMs: 1_800_000_000_000 }

/** What a server sends to server 2 that has this. */
function told(vector: VersionVector, ...then: RelayEvent[]): CoreFrame[] {
  const relay = createRelay({ self: 1, incarnation: 1_800_000_000_000 })
  const events: RelayEvent[] = [
    { type: 'recovered', vector, floors: {}, incarnation: 1_800_000_000_000 },
    { type: 'link-up', peer: 2 },
    ...then,
  ]
  return events.flatMap((event) => step(relay, event, now)).flatMap((effect) => (effect.type === 'send' ? [effect.frame] : []))
}

/** As many origins as a vector may have, each with as many gaps as it may have. */
function full(): VersionVector {
  const beyond = Array.from({ length: 1_024 }, (_, i) => Number.MAX_SAFE_INTEGER - 4_096 + 2 * i)
  return VersionVector.from(
    Object.fromEntries(Array.from({ length: 1_024 }, (_, i) => [`2-${i + 1}`, [Number.MAX_SAFE_INTEGER - 8_192, ...beyond]])),
  )
}

it('says a vector in parts that fit into frames', () => {
  const vector = full()
  const parts = told(vector).filter((frame) => frame.type === 'VV')
  expect(parts.length).toBeLessThan(relayLimits.vectorFrames)
  expect(Math.max(...parts.map((frame) => encodeFrame(frame).length))).toBeLessThan(relayLimits.frameBytes)
  expect(parts.map(({ last }) => last)).toEqual(parts.map((_, i) => i === parts.length - 1))
  expect(Object.assign({}, ...parts.map((frame) => frame.vector))).toEqual(vector.toData())
})

it('answers a vector in parts that fit into frames', () => {
  const vector = full()
  const asked: CoreFrame = { type: 'VV', last: true, answer: true, vector: {}, floors: {} }
  const answers = told(vector, { type: 'frame', peer: 2, frame: asked }).filter((frame) => frame.type === 'HAVE')
  expect(Math.max(...answers.map((frame) => encodeFrame(frame).length))).toBeLessThan(relayLimits.frameBytes)
  expect(Object.assign({}, ...answers.map((frame) => frame.vector))).toEqual(vector.toData())
})

it('says that there is nothing', () => {
  expect(told(new VersionVector()).filter(({ type }) => type === 'VV')).toEqual([
    { type: 'VV', last: true, answer: false, vector: {}, floors: {} },
  ])
})
