/**
 * Addresses of the test hosts. They exist in namespaces only, so every lab has the same. Up to {@link addresses.maxServers} servers fit in.
 */
export const addresses = {
  maxServers: 200,
  /** Of chain, clients and weather. */
  hub: '10.213.0.1',
  vxlanPort: 4_789,
  /** Where the tunnel of a server ends. */
  tunnel: (server: number): string => `10.213.0.${10 + server}`,
  /** Where a server listens, for its peers by the tunnel and for the hub's clients directly. */
  server: (server: number): string => `10.214.0.${10 + server}`,
  /** Its last byte tells the weather who sends and who is meant. */
  hardware: (server: number): string => `02:00:00:00:00:${server.toString(16).padStart(2, '0')}`,
} as const
