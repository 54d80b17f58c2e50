import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createServerKeyFile } from '../../node/src/chain/server-key.ts'
import { attestServer, type Chain, createNeighborhood, deploy, registerServer, startChain } from '../fixtures/chain.ts'
import { Authority } from './authority.ts'
import { addresses } from './addresses.ts'

const NEIGHBORHOOD = 1
const PORT = 8_443
export const ADMIN_PORT = 9_464
export const REDIS_PORT = 6_379

/** One server of the neighborhood, as its operator has set it up. */
export interface Host {
  /** Its number in the lab and its id in the registry. */
  id: number
  endpoint: string
  /** Configuration file for `dred serve`. */
  config: string
  /** Folder of its store. */
  folder: string
  store: 'sqlite' | 'redis'
}

/** A chain in the hub with `count` registered and attested servers, none of which runs yet. */
export interface Neighborhood {
  id: string
  hosts: Host[]
  close(): Promise<void>
}

/** Servers that keep what they have in a Redis of their own; the others in SQLite. */
export const usesRedis = (server: number): boolean => server % 3 === 0

/** @param folder where keys, certificates, configurations and stores go; the authority's certificate is there */
export async function createHosts(count: number, folder: string): Promise<Neighborhood> {
  const chain = await startChain(0, addresses.hub)
  const registries = await deploy(chain)
  await createNeighborhood(chain.wallet(0), registries)
  const authority = new Authority(folder)
  const hosts: Host[] = []
  for (let id = 1; id <= count; id++) {
    const endpoint = `https://${addresses.server(id)}:${PORT}`
    const key = await createServerKeyFile(join(folder, `server-${id}.pem`))
    const operator = chain.wallet(0)
    await registerServer(operator, registries, { neighborhood: NEIGHBORHOOD, endpoint, key })
    await attestServer(operator, registries, { id, neighborhood: NEIGHBORHOOD, endpoint })
    const store = usesRedis(id) ? 'redis' : 'sqlite'
    const host: Host = { id, endpoint, store, folder, config: join(folder, `server-${id}.toml`) }
    const certificate = authority.certify(`server-${id}-tls`, addresses.server(id))
    writeFileSync(host.config, configuration(host, { chain, registries, certificate }))
    hosts.push(host)
  }
  return { id: String(NEIGHBORHOOD), hosts, close: () => chain.close() }
}

interface Surroundings {
  chain: Chain
  registries: Awaited<ReturnType<typeof deploy>>
  certificate: { certFile: string; keyFile: string }
}

function configuration({ id, folder, store }: Host, { chain, registries, certificate }: Surroundings): string {
  const { chainId, neighborhoodRegistry, serverRegistry, startBlock } = registries
  return `neighborhood = "${NEIGHBORHOOD}"
[chain]
rpcUrl = "${chain.rpcUrl}"
chainId = ${chainId}
neighborhoodRegistry = "${neighborhoodRegistry}"
serverRegistry = "${serverRegistry}"
startBlock = ${startBlock}
[server]
keyFile = "server-${id}.pem"
host = "0.0.0.0"
port = ${PORT}
adminPort = ${ADMIN_PORT}
store = "${store === 'redis' ? `redis://127.0.0.1:${REDIS_PORT}` : join(folder, `server-${id}.db`)}"
logLevel = "info"
[server.tls]
certFile = "${certificate.certFile}"
keyFile = "${certificate.keyFile}"
`
}
