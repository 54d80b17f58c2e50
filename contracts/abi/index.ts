export type { Deployment } from './deployment.ts'
export { devTokenAbi, devTokenBytecode } from './dev-token.ts'
export { neighborhoodRegistryAbi, neighborhoodRegistryBytecode } from './neighborhood-registry.ts'
export { serverRegistryAbi, serverRegistryBytecode } from './server-registry.ts'
