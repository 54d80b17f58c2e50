export { defaultBounds, defaultTimings } from './defaults.ts'
export { createRelay, type Relay } from './relay.ts'
export { step } from './step.ts'
export type * from './types.ts'
