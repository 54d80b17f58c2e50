import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { stringify } from 'smol-toml'
import type { LocalDeployment } from './deploy.ts'
import type { DevKeys } from './keys.ts'
import { type DevPaths, serverConfigPath } from './paths.ts'
import type { DevPorts } from './state.ts'

interface Plan {
  paths: DevPaths
  ports: DevPorts
  keys: DevKeys
  deployment: LocalDeployment
  rpcUrl: string
  neighborhood: string
}

/** Writes the configuration of other commands against this network, and one file for each server. */
export async function writeConfigurations(plan: Plan): Promise<void> {
  const { paths, ports, keys, deployment, rpcUrl, neighborhood } = plan
  const shared = { neighborhood, chain: chainSettings(deployment, rpcUrl) }
  const discovery = [`http://127.0.0.1:${ports.discovery}`]
  const { owner, password, device, attester } = keys.files
  const own = { ...shared, discovery, wallet: owner, passwordFile: password, deviceKey: device, attester: { keyFile: attester } }
  await writeFile(paths.config, `# Written by dred dev: use it with --config.\n${stringify(own)}\n`)
  await Promise.all(
    keys.operators.map(({ serverKeyFile }, index) => {
      const { port, adminPort } = ports.servers[index] ?? { port: 0, adminPort: 0 }
      const server = {
        keyFile: serverKeyFile,
        host: '127.0.0.1',
        port,
        adminPort,
        store: join(paths.stores, `server-${index + 1}.db`),
        logLevel: 'info',
      }
      return writeFile(serverConfigPath(paths, index + 1), `# Written by dred dev.\n${stringify({ ...shared, server })}\n`)
    }),
  )
}

/** A deployment as settings have it: which compliance registry there is, the server registry says. */
export function chainSettings({ chainId, startBlock, neighborhoodRegistry, serverRegistry, stakeToken }: LocalDeployment, rpcUrl: string) {
  return { rpcUrl, chainId, startBlock, neighborhoodRegistry, serverRegistry, stakeToken }
}
