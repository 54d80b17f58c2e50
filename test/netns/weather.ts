// The network between the servers: takes every Ethernet frame out of its tunnel and puts it into the receiver's, later or never, as
// netem does on kernels that have it. A process of its own, so that nothing else holds frames up. Started by weather-control.ts.
import { createSocket, type Socket } from 'node:dgram'
import { addresses } from './addresses.ts'

/** What the parent says. */
export type WeatherOrder =
  | { type: 'climate'; climate: Climate }
  /** Frames between these servers are lost from now on, in this direction only; or no longer. */
  | { type: 'cut' | 'mend'; pairs: [from: number, to: number][] }
  | { type: 'count' }

export interface Climate {
  /** One-way milliseconds, row: from, column: to, in the order of the servers' numbers. */
  latency: number[][]
  /** A frame's delay is drawn evenly from the latency ± this; frames overtake each other, as with netem. Milliseconds. */
  jitterMs: number
  /** Share of the frames lost. */
  loss: number
}

/** Totals since the start. */
export interface WeatherCount {
  frames: number
  bytes: number
  /** Lost by chance, and by cuts. */
  lost: number
  cut: number
  /** Milliseconds by which frames were later than they should have been: the mean, and the worst. */
  lateMs: { mean: number; max: number }
}

/** VXLAN's header, then destination and source of the Ethernet frame; the last byte of each names the server. */
const TO = 8 + 5
/** Odd for groups: the interfaces announce themselves to those, and nobody listens. */
const KIND = 8
const FROM = 8 + 11
const SOCKET_BYTES = 8_388_608

class Weather {
  readonly #count: WeatherCount = { frames: 0, bytes: 0, lost: 0, cut: 0, lateMs: { mean: 0, max: 0 } }
  readonly #cuts: number[] = []
  readonly #tunnels = new Map<number, Socket>()
  #climate: Climate = { latency: [], jitterMs: 0, loss: 0 }
  #delivered = 0

  async start(): Promise<void> {
    const socket = createSocket({ type: 'udp4', recvBufferSize: SOCKET_BYTES })
    socket.on('message', (packet) => this.#frame(packet))
    await new Promise<void>((resolve) => socket.bind(addresses.vxlanPort, addresses.hub, resolve))
  }

  async obey(order: WeatherOrder): Promise<WeatherCount> {
    if (order.type === 'climate') {
      this.#climate = order.climate
      for (let server = 1; server <= order.climate.latency.length; server++) await this.#open(server)
    } else if (order.type === 'cut') {
      for (const [from, to] of order.pairs) this.#cuts.push(pair(from, to))
    } else if (order.type === 'mend') {
      // Once: another fault may have cut the same way off.
      for (const [from, to] of order.pairs) this.#cuts.splice(this.#cuts.indexOf(pair(from, to)), 1)
    }
    return this.#count
  }

  async #open(server: number): Promise<void> {
    if (this.#tunnels.has(server)) return
    const socket = createSocket({ type: 'udp4', sendBufferSize: SOCKET_BYTES })
    await new Promise<void>((resolve) => socket.connect(addresses.vxlanPort, addresses.tunnel(server), resolve))
    // A tunnel whose namespace is on its way out.
    socket.on('error', () => undefined)
    this.#tunnels.set(server, socket)
  }

  #frame(packet: Buffer): void {
    const from = packet[FROM] ?? 0
    const to = packet[TO] ?? 0
    const { latency, jitterMs, loss } = this.#climate
    const base = latency[from - 1]?.[to - 1]
    const tunnel = this.#tunnels.get(to)
    if (base === undefined || !tunnel || ((packet[KIND] ?? 1) & 1) === 1) return
    this.#count.frames++
    this.#count.bytes += packet.length - 8
    if (this.#cuts.includes(pair(from, to))) this.#count.cut++
    else if (Math.random() < loss) this.#count.lost++
    else this.#later(tunnel, packet, base + (2 * Math.random() - 1) * jitterMs)
  }

  #later(tunnel: Socket, packet: Buffer, delayMs: number): void {
    const dueAt = performance.now() + delayMs
    setTimeout(() => {
      tunnel.send(packet)
      const lateMs = performance.now() - dueAt
      const { lateMs: late } = this.#count
      late.mean += (lateMs - late.mean) / ++this.#delivered
      late.max = Math.max(late.max, lateMs)
    }, Math.round(delayMs))
  }
}

function pair(from: number, to: number): number {
  return from * 256 + to
}

if (process.send) {
  const weather = new Weather()
  await weather.start()
  process.on('message', (order: WeatherOrder) => void weather.obey(order).then((count) => process.send?.(count)))
  process.once('disconnect', () => process.exit())
  process.send('ready')
}
