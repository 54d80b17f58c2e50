import { execFileSync } from 'node:child_process'
import { addresses } from './addresses.ts'

/** With the process id of its owner, the beginning of a namespace's name. */
const PREFIX = 'dred-lab-'
/** Room for the tunnel's headers. */
const PEERS_MTU = 1_400

/**
 * The test hosts of one run: a network namespace for each server and one, the hub, for everything else. Every server's namespace has
 *
 * - `direct`: a veth to the hub's bridge, without delay, for the chain and the test's clients;
 * - `peers`: a VXLAN interface, on which the servers reach each other. The far end of every tunnel is the hub's weather process, which
 *   delays, loses and cuts off frames one by one.
 *
 * None of them has a way to the machine's own network.
 */
export class Lab {
  readonly #prefix: string

  /** @param owner id of the process that creates and removes it */
  constructor(owner: number) {
    this.#prefix = `${PREFIX}${owner}-`
  }

  get hub(): string {
    return `${this.#prefix}hub`
  }

  namespace(server: number): string {
    return `${this.#prefix}${server}`
  }

  /** Makes the namespaces of servers 1 to `count`. @throws Error with what `ip` said */
  create(count: number): void {
    if (count > addresses.maxServers) throw new Error(`There is room for ${addresses.maxServers} servers`)
    const servers = Array.from({ length: count }, (_, index) => index + 1)
    ip(undefined, [
      `netns add ${this.hub}`,
      ...servers.map((server) => `netns add ${this.namespace(server)}`),
      ...servers.map((server) => `link add s${server} netns ${this.hub} type veth peer name direct netns ${this.namespace(server)}`),
    ])
    ip(this.hub, [
      'link set lo up',
      'link add bridge0 type bridge',
      `address add ${addresses.hub}/24 dev bridge0`,
      'link set bridge0 up',
      ...servers.map((server) => `link set s${server} master bridge0 up`),
      ...servers.map((server) => `route add ${addresses.server(server)}/32 via ${addresses.tunnel(server)}`),
    ])
    for (const server of servers) ip(this.namespace(server), hostCommands(server, servers))
  }

  /** Removes the namespaces with all processes in them, and those that dead owners left behind. */
  remove(): void {
    const listed = execFileSync('ip', ['netns', 'list'], { encoding: 'utf8' }).split('\n')
    const ours = listed.flatMap((line) => line.match(/^dred-lab-\w+-\w+/)?.slice(0, 1) ?? [])
    // First the hub, whose processes would miss the others.
    for (const namespace of ours.sort((a, b) => Number(b.endsWith('hub')) - Number(a.endsWith('hub')))) {
      if (namespace.startsWith(this.#prefix) || !isAlive(Number(namespace.split('-')[2]))) remove(namespace)
    }
  }
}

/** The command that runs a program in a namespace. It becomes the program, so its process id is the program's. */
export function inNamespace(namespace: string, command: readonly string[]): [string, string[]] {
  return ['ip', ['netns', 'exec', namespace, ...command]]
}

/** Why no lab can be made here, if so. */
export function whyNot(): string | undefined {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return 'network namespaces need Linux and root'
  const probe = `${PREFIX}${process.pid}-probe`
  try {
    ip(undefined, [`netns add ${probe}`])
    ip(
      probe,
      hostCommands(1, [1]).filter((command) => command.startsWith('link') && !command.includes('direct')),
    )
    return undefined
  } catch (error) {
    return `ip makes no namespace with a VXLAN interface: ${error instanceof Error ? error.message : String(error)}`
  } finally {
    new Lab(process.pid).remove()
  }
}

export function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

function hostCommands(server: number, servers: readonly number[]): string[] {
  // In the tunnel's packets a checksum that the kernel left to the hardware would stay unfinished: `remcsum` has the receiver do it.
  const far = `remote ${addresses.hub} dstport ${addresses.vxlanPort} nolearning udpcsum remcsumtx remcsumrx`
  return [
    'link set lo up',
    `address add ${addresses.tunnel(server)}/24 dev direct`,
    'link set direct up',
    `link add peers type vxlan id 1 local ${addresses.tunnel(server)} ${far}`,
    // One segment in a packet, as on a wire.
    `link set peers address ${addresses.hardware(server)} mtu ${PEERS_MTU} gso_max_segs 1`,
    `address add ${addresses.server(server)}/24 dev peers`,
    'link set peers up',
    ...servers
      .filter((peer) => peer !== server)
      .map((peer) => `neighbour add ${addresses.server(peer)} lladdr ${addresses.hardware(peer)} dev peers nud permanent`),
  ]
}

function remove(namespace: string): void {
  for (const pid of execFileSync('ip', ['netns', 'pids', namespace], { encoding: 'utf8' }).split('\n')) {
    if (pid !== '' && isAlive(Number(pid))) process.kill(Number(pid), 'SIGKILL')
  }
  execFileSync('ip', ['netns', 'delete', namespace])
}

/** Runs several commands of `ip` at once, in the namespace of the caller or another. */
function ip(namespace: string | undefined, commands: readonly string[]): void {
  const where = namespace === undefined ? [] : ['-netns', namespace]
  execFileSync('ip', [...where, '-batch', '-'], { input: `${commands.join('\n')}\n`, stdio: ['pipe', 'pipe', 'pipe'] })
}
