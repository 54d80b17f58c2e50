/** Which neighborhood of which registry something is said in; it counts in no other. */
export interface NeighborhoodRef {
  chainId: number
  /** Address of the `ServerRegistry`. */
  serverRegistry: string
  /** Decimal id. */
  neighborhood: string
}

/** `dred:neighborhood:<chainId>:<serverRegistry>:<neighborhood>`, the address in lowercase. */
export function neighborhoodUri({ chainId, serverRegistry, neighborhood }: NeighborhoodRef): string {
  return `dred:neighborhood:${chainId}:${serverRegistry.toLowerCase()}:${neighborhood}`
}

/** `dred:server:<chainId>:<serverRegistry>:<neighborhood>:<id>`, the address in lowercase. */
export function serverUri({ chainId, serverRegistry, neighborhood }: NeighborhoodRef, server: number): string {
  return `dred:server:${chainId}:${serverRegistry.toLowerCase()}:${neighborhood}:${server}`
}

/** `dred:device:<key>`. */
export function deviceUri(key: string): string {
  return `dred:device:${key}`
}

/** What stands in every statement that a device or a wallet signs about sessions. */
export function inNeighborhood({ chainId, serverRegistry, neighborhood }: NeighborhoodRef) {
  return { v: 1, chainId, serverRegistry: serverRegistry.toLowerCase(), neighborhood }
}
