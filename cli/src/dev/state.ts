import { randomInt } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:net'

/** Loopback ports of a network. Remembered, so that addresses stay the same between runs. */
export interface DevPorts {
  chain: number
  discovery: number
  page: number
  servers: { port: number; adminPort: number }[]
}

/**
 * Chooses the ports of a network: those of the last run where they are still free, others where not.
 * @param options.base first port of a block to prefer over what is remembered
 */
export async function choosePorts(path: string, options: { servers: number; base: number | undefined }): Promise<DevPorts> {
  const remembered = options.base === undefined ? await readPorts(path) : blockFrom(options.base, options.servers)
  // Held until all are chosen, so that no two are the same.
  const held: Server[] = []
  const take = async (wanted: number | undefined) => {
    const probe = (wanted === undefined ? undefined : await listen(wanted)) ?? (await listenAnywhere())
    if (!probe) throw new Error('There is no free port on 127.0.0.1')
    held.push(probe)
    const address = probe.address()
    if (address === null || typeof address === 'string') throw new TypeError('A TCP server has a port')
    return address.port
  }
  try {
    const ports: DevPorts = {
      chain: await take(remembered?.chain),
      discovery: await take(remembered?.discovery),
      page: await take(remembered?.page),
      servers: [],
    }
    for (let index = 0; index < options.servers; index++) {
      const last = remembered?.servers[index]
      ports.servers.push({ port: await take(last?.port), adminPort: await take(last?.adminPort) })
    }
    await writeFile(
      path,
      `${JSON.stringify({ ports: { ...ports, servers: [...ports.servers, ...(remembered?.servers ?? []).slice(options.servers)] } })}\n`,
    )
    return ports
  } finally {
    await Promise.all(held.map((server) => new Promise((done) => server.close(done))))
  }
}

function blockFrom(base: number, servers: number): DevPorts {
  const port = (offset: number) => base + offset
  return {
    chain: port(0),
    discovery: port(1),
    page: port(2),
    servers: Array.from({ length: servers }, (_, index) => ({ port: port(3 + 2 * index), adminPort: port(4 + 2 * index) })),
  }
}

/**
 * Below the ports that systems give to outgoing connections: one of those could take a port between two runs, or between its choice
 * here and its use.
 */
const CHOSEN_PORTS = { from: 20_000, to: 32_000 }

async function listenAnywhere(): Promise<Server | undefined> {
  for (let attempt = 0; attempt < 100; attempt++) {
    const server = await listen(randomInt(CHOSEN_PORTS.from, CHOSEN_PORTS.to))
    if (server) return server
  }
  return listen(0)
}

/** What a damaged file said does not count. */
async function readPorts(path: string): Promise<DevPorts | undefined> {
  try {
    const { ports } = JSON.parse(await readFile(path, 'utf8')) as { ports: DevPorts }
    const all = [ports.chain, ports.discovery, ports.page, ...ports.servers.flatMap(({ port, adminPort }) => [port, adminPort])]
    return all.every((port) => Number.isInteger(port) && port > 0 && port < 65_536) ? ports : undefined
  } catch {
    return undefined
  }
}

/** @returns undefined when the port is taken */
function listen(port: number): Promise<Server | undefined> {
  const server = createServer()
  return new Promise((resolve) => {
    server.once('error', () => resolve(undefined))
    server.listen({ port, host: '127.0.0.1' }, () => resolve(server))
  })
}
