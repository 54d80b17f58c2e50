export { createReplicator } from './replicator.ts'
