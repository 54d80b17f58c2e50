export { defaultBounds, defaultTimings } from './defaults.ts'
export { createRelay, type Relay, step } from './relay.ts'
export type * from './types.ts'
