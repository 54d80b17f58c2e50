import { connect, Socket } from 'node:net'
import { type ConnectionOptions, connect as connectTls } from 'node:tls'
import { AbstractConnector, Redis, type RedisOptions } from 'ioredis'
import { fieldsOf } from './redis-records.ts'

export interface Address {
  host: string
  port: number
}

/** What one of those who are asked says of who takes writes; of two that differ, the one of the higher epoch is right. */
interface Claim {
  writer: Address
  epoch: number
  /** Whom to ask next time, beside those that are configured. */
  others: Address[]
}

/** How those are asked: credentials, TLS. */
type AskOptions = Pick<RedisOptions, 'username' | 'password' | 'tls'> & {
  /** Milliseconds for one of them to answer. */
  timeoutMs: number
}

/** Finds the Redis that takes writes now. @throws when nobody who is asked knows */
type Locate = () => Promise<Address>

/** Finds the master of a name by its Sentinels. */
export function bySentinels(sentinels: readonly Address[], name: string, options: AskOptions): Locate {
  const ask = async (redis: Redis): Promise<Claim> => {
    const [address, master] = (await Promise.all([
      redis.call('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', name),
      redis.call('SENTINEL', 'MASTER', name),
    ])) as [[string, string] | null, string[]]
    if (!address) throw new Error(`The Sentinel knows no master ${name}`)
    return { writer: { host: address[0], port: Number(address[1]) }, epoch: Number(fieldsOf(master)['config-epoch']), others: [] }
  }
  return newestOf(sentinels, ask, options)
}

/** Finds the master of a key's slot by the nodes of its Cluster. */
export function byNodes(nodes: readonly Address[], key: string, options: AskOptions): Locate {
  const ask = async (redis: Redis, asked: Address): Promise<Claim> => {
    const [slot, text] = (await Promise.all([redis.call('CLUSTER', 'KEYSLOT', key), redis.call('CLUSTER', 'NODES')])) as [number, string]
    const known = parseNodes(text, asked, options.tls !== undefined)
    const owner = known.find(({ slots }) => slots.some(([from, to]) => from <= slot && slot <= to))
    if (!owner) throw new Error(`The Cluster has no master for slot ${slot}`)
    return { writer: owner.address, epoch: owner.epoch, others: known.map(({ address }) => address) }
  }
  return newestOf(nodes, ask, options)
}

/** Leads a client of ioredis to whoever takes writes, found out anew before every connect. */
export class Writer {
  readonly #locate: Locate
  readonly #tls: ConnectionOptions | undefined
  #address: Address | undefined

  constructor(locate: Locate, tls: ConnectionOptions | undefined) {
    this.#locate = locate
    this.#tls = tls
  }

  /** Asks whether another one than was connected to last takes writes now. @throws when nobody who is asked knows */
  async moved(): Promise<Address | undefined> {
    const { host, port } = await this.#locate()
    return host === this.#address?.host && port === this.#address.port ? undefined : { host, port }
  }

  /** For the option of this name. Where nobody knows who takes writes, that counts as a connection that failed. */
  get Connector(): NonNullable<RedisOptions['Connector']> {
    const open = (): Promise<Socket> => this.#open()
    return class WriterConnector extends AbstractConnector {
      constructor() {
        super(DISCONNECT_MS)
      }

      override check(info: { role?: string }): boolean {
        return info.role === 'master'
      }

      async connect(): Promise<Socket> {
        this.connecting = true
        const socket = await open().catch((error: Error) => {
          this.firstError = error
          return new Socket().destroy()
        })
        socket.once('error', (error: Error) => (this.firstError = error))
        this.stream = this.connecting ? socket : socket.destroy()
        return this.stream
      }
    }
  }

  async #open(): Promise<Socket> {
    this.#address = await this.#locate()
    return this.#tls ? connectTls({ ...this.#address, ...this.#tls }) : connect(this.#address)
  }
}

/** Milliseconds after which a connection that is given up is cut off. */
export const DISCONNECT_MS = 200

/** Asks everybody at once. */
function newestOf(
  configured: readonly Address[],
  ask: (redis: Redis, asked: Address) => Promise<Claim>,
  { timeoutMs, ...options }: AskOptions,
): Locate {
  let others: Address[] = []
  const askOne = async (asked: Address): Promise<Claim> => {
    const redis = new Redis({
      ...options,
      ...asked,
      lazyConnect: true,
      protocol: 2,
      enableReadyCheck: false,
      disableClientInfo: true,
      retryStrategy: () => null,
      connectTimeout: timeoutMs,
      commandTimeout: timeoutMs,
    })
    let failure: Error | undefined
    redis.on('error', (error: Error) => (failure = error))
    try {
      await redis.connect()
      return await ask(redis, asked)
    } catch (error) {
      throw failure ?? error
    } finally {
      redis.disconnect()
    }
  }
  return async () => {
    const asked = new Map([...configured, ...others].map((address) => [`${address.host}:${address.port}`, address]))
    const answers = await Promise.allSettled(Array.from(asked.values(), askOne))
    const claims = answers.flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : []))
    const newest = claims.reduce<Claim | undefined>((best, claim) => (best && best.epoch >= claim.epoch ? best : claim), undefined)
    if (!newest) throw answers.find((answer) => answer.status === 'rejected')?.reason
    others = newest.others
    return newest.writer
  }
}

interface ClusterNode {
  address: Address
  epoch: number
  slots: (readonly [from: number, to: number])[]
}

/** Reads `CLUSTER NODES`: id, host:port@bus[,hostname], flags, master, ping, pong, epoch, link, slots. */
function parseNodes(text: string, asked: Address, tls: boolean): ClusterNode[] {
  return text
    .split('\n')
    .filter((line) => line !== '' && !line.includes('noaddr'))
    .map((line) => {
      const [, where = '', , , , , epoch, , ...slots] = line.split(' ')
      const [, ip = '', port, hostname = ''] = /^(.*):(\d+)@\d+(?:,([^,]*))?/.exec(where) ?? []
      // A certificate names hosts; a node that has not been met knows no address of itself.
      const host = (tls && hostname) || ip || asked.host
      const own = slots.filter((slot) => !slot.startsWith('['))
      return {
        address: { host, port: Number(port) },
        epoch: Number(epoch),
        slots: own.map((range) => {
          const [from, to = from] = range.split('-').map(Number)
          return [from ?? 0, to ?? 0] as const
        }),
      }
    })
}
