/** What the chain of a local network calls itself, as Hardhat's do: money there is worth nothing. */
export const LOCAL_CHAIN_ID = 31_337
