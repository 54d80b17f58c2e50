import type { Address } from 'viem'

/** Where the registries live on one chain. */
export type Deployment = {
  chainId: number
  /** Block in which the first of the registries was deployed: no event of theirs is older. */
  startBlock: number
  neighborhoodRegistry: Address
  serverRegistry: Address
  complianceRegistry: Address
  /** Token that neighborhoods of this deployment stake by default; local chains have one. */
  stakeToken?: Address
}
