import type { NoReason, RelayFrame, WireEntry } from '../frame.ts'

type FrameType = RelayFrame['type']

/** What is written as a small integer is one by its place in these lists. */
export const frameTypes = [
  'HELLO',
  'WELCOME',
  'AUTH',
  'TOKEN',
  'BULK',
  'BYE',
  'STATE',
  'MSG',
  'HAVE',
  'PROBE',
  'WANT',
  'NO',
  'PULL',
  'BATCH',
  'VV',
  'HEAD',
  'LATENCY',
  'RECEIPT',
  'HOME',
  'PING',
  'PONG',
  'NOTICE',
] as const satisfies readonly FrameType[]

export const entryKinds = ['message', 'genesis', 'reference', 'gone'] as const satisfies readonly WireEntry['kind'][]

export const noReasons = ['quota', 'ahead'] as const satisfies readonly NoReason[]

/** The ids, in ascending order, of the servers that an epoch names; undefined for an epoch that is not known. */
export type ListOf = (epoch: number) => readonly number[] | undefined
