type Address = `0x${string}`

/** Where the registries live on one chain. */
export type Deployment = {
  chainId: number
  /** What people call it, such as the chain's name. */
  name?: string
  /** Block in which the first of the registries was deployed: no event of theirs is older. */
  startBlock: number
  neighborhoodRegistry: Address
  serverRegistry: Address
  complianceRegistry: Address
  /** Token that neighborhoods of this deployment stake by default; local chains have one. */
  stakeToken?: Address
  /** Base URLs of discovery services that follow it. */
  discovery?: readonly string[]
}
