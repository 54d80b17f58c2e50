export type * from './core/types.ts'
export type * from './frame.ts'
export type * from './relay-statements.ts'
export type * from './topologies/topology.ts'
