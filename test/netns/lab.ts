import { execFileSync } from 'node:child_process'

/**
 * The test hosts: one network namespace for each server and one, the hub, for everything else. Every server's namespace has
 *
 * - `direct`: a veth to the hub's bridge, without delay, for the chain and the test's clients;
 * - `peers`: a VXLAN interface, on which the servers reach each other. The far end of every tunnel is the hub's weather process, which
 *   delays, loses and cuts off frames one by one.
 *
 * None of them has a way to the machine's own network.
 */
const PREFIX = 'dred-lab-'
const VXLAN_PORT = 4_789
/** Room for the tunnel's headers. */
const PEERS_MTU = 1_400

export const lab = {
  hub: `${PREFIX}hub`,
  hubAddress: '10.213.0.1',
  vxlanPort: VXLAN_PORT,
  /** More do not fit into the addresses. */
  maxServers: 200,
  namespace: (server: number): string => `${PREFIX}${server}`,
  /** Where the tunnel of a server ends. */
  tunnelAddress: (server: number): string => `10.213.0.${10 + server}`,
  /** Where a server listens, for its peers by the tunnel and for the hub's clients directly. */
  address: (server: number): string => `10.214.0.${10 + server}`,
  /** Its last byte tells the weather who sends and who is meant. */
  hardwareAddress: (server: number): string => `02:00:00:00:00:${server.toString(16).padStart(2, '0')}`,
} as const

/** The command that runs a program in a namespace. It becomes the program, so its process id is the program's. */
export function inNamespace(namespace: string, command: readonly string[]): [string, string[]] {
  return ['ip', ['netns', 'exec', namespace, ...command]]
}

/** Makes the namespaces of servers 1 to `count`. @throws Error with what `ip` said */
export function createLab(count: number): void {
  const servers = Array.from({ length: count }, (_, index) => index + 1)
  ip(
    [],
    [lab.hub, ...servers.map(lab.namespace)].map((namespace) => `netns add ${namespace}`),
  )
  ip(
    [],
    servers.map((server) => `link add s${server} netns ${lab.hub} type veth peer name direct netns ${lab.namespace(server)}`),
  )
  ip(lab.hub, [
    'link set lo up',
    'link add bridge0 type bridge',
    `address add ${lab.hubAddress}/24 dev bridge0`,
    'link set bridge0 up',
    ...servers.map((server) => `link set s${server} master bridge0 up`),
    ...servers.map((server) => `route add ${lab.address(server)}/32 via ${lab.tunnelAddress(server)}`),
  ])
  for (const server of servers) ip(lab.namespace(server), hostCommands(server, servers))
}

function hostCommands(server: number, servers: readonly number[]): string[] {
  // In the tunnel's packets a checksum that the kernel left to the hardware would stay unfinished: `remcsum` has the receiver do it.
  const tunnel = `remote ${lab.hubAddress} local ${lab.tunnelAddress(server)} dstport ${VXLAN_PORT} nolearning udpcsum remcsumtx remcsumrx`
  return [
    'link set lo up',
    `address add ${lab.tunnelAddress(server)}/24 dev direct`,
    'link set direct up',
    `link add peers type vxlan id 1 ${tunnel}`,
    // One segment in a packet, as on a wire.
    `link set peers address ${lab.hardwareAddress(server)} mtu ${PEERS_MTU} gso_max_segs 1`,
    `address add ${lab.address(server)}/24 dev peers`,
    'link set peers up',
    ...servers
      .filter((peer) => peer !== server)
      .map((peer) => `neighbour add ${lab.address(peer)} lladdr ${lab.hardwareAddress(peer)} dev peers nud permanent`),
  ]
}

/** Removes every namespace of this or an earlier run with all processes in them. */
export function removeLab(): void {
  for (const namespace of namespaces()) {
    for (const pid of execFileSync('ip', ['netns', 'pids', namespace], { encoding: 'utf8' }).split('\n')) {
      if (pid !== '') kill(Number(pid))
    }
    execFileSync('ip', ['netns', 'delete', namespace])
  }
}

function namespaces(): string[] {
  const listed = execFileSync('ip', ['netns', 'list'], { encoding: 'utf8' }).split('\n')
  const ours = listed.flatMap((line) => line.match(/^dred-lab-\w+/)?.slice(0, 1) ?? [])
  // First the one that would miss the others.
  return ours.sort((a, b) => Number(b === lab.hub) - Number(a === lab.hub))
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It ended by itself in the meantime.
  }
}

/** Runs several commands of `ip` at once. */
function ip(namespace: string | [], commands: readonly string[]): void {
  const where = typeof namespace === 'string' ? ['-netns', namespace] : []
  execFileSync('ip', [...where, '-batch', '-'], { input: `${commands.join('\n')}\n`, stdio: ['pipe', 'pipe', 'pipe'] })
}

/** Why the lab cannot be made here, if it cannot. */
export function whyNot(): string | undefined {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return 'network namespaces need Linux and root'
  const probe = `${PREFIX}probe`
  try {
    ip([], [`netns add ${probe}`])
    ip(probe, ['link add probe type vxlan id 1 remote 127.0.0.1 dstport 4789 remcsumtx remcsumrx', 'link set probe gso_max_segs 1'])
    return undefined
  } catch (error) {
    return `ip cannot make a namespace with a VXLAN interface: ${error instanceof Error ? error.message : String(error)}`
  } finally {
    removeProbe(probe)
  }
}

function removeProbe(probe: string): void {
  try {
    execFileSync('ip', ['netns', 'delete', probe], { stdio: 'ignore' })
  } catch {
    // It was not made.
  }
}
