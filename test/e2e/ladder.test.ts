import { type Receipt, type StoredEvent, verifyReceipt } from '@dred/protocol'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { StreamReader } from '../../node/src/testing/stream-client.ts'
import { type Network, startNetwork } from './network.ts'
import { cli, type Process, start, stop } from './processes.ts'

interface Sent {
  receipt: Receipt
  code: number | string
  note: string
}

describe('on how many servers a message is stored', () => {
  let network: Network
  let channel: string
  const tails: Process[] = []

  beforeAll(async () => {
    network = await startNetwork()
    const created = command('create', '--json')
    await created.exited
    channel = (JSON.parse(created.stdout()) as { id: string }).id
  })
  afterAll(async () => {
    for (const tail of tails) await stop(tail, 'SIGINT')
    await network.close()
  })

  function command(...args: string[]): Process {
    return start(process.execPath, [cli, 'channel', ...args, '--config', network.config], { cwd: network.folder })
  }

  async function send(message: string, ack: string, deadline = '30s'): Promise<Sent> {
    const run = command('send', channel, message, '--ack', ack, '--deadline', deadline, '--json')
    const code = await run.exited
    const { receipt } = JSON.parse(run.stdout()) as { receipt?: Receipt }
    if (!receipt) throw new Error(run.stdout() + run.stderr())
    return { receipt, code, note: run.stderr() }
  }

  async function keyOf(server: number): Promise<{ keyX: string; keyY: string }> {
    const { items } = (await (await fetch(`${network.discovery}/v1/servers/${server}/keys`)).json()) as {
      items: { keyX: string; keyY: string; acceptedUntil: number | null }[]
    }
    return items.find(({ acceptedUntil }) => acceptedUntil === null) ?? { keyX: '0x', keyY: '0x' }
  }

  it('is all of three while all live, signed by the server that took it', async () => {
    const { receipt, code, note } = await send('all', 'all')
    expect([code, receipt.stored, receipt.servers]).toEqual([0, 3, 3])
    expect(note).toContain('Stored on 3 of 3 servers.')
    expect(await verifyReceipt(receipt, await keyOf(receipt.signer))).toBe(true)
    expect(await verifyReceipt({ ...receipt, id: channel }, await keyOf(receipt.signer))).toBe(false)
    expect(await verifyReceipt(receipt, await keyOf((receipt.signer % 3) + 1))).toBe(false)
  })

  it('is two of three while one is killed, and three of three once it is back: its readers are told', async () => {
    const [victim, ...living] = network.servers
    if (!victim) throw new Error('There is no server')
    await network.kill(victim.id)
    const open = ({ endpoint }: { endpoint: string }) => StreamReader.open(`${endpoint}/channel/${channel}/stream?receipts=stored`)
    const readers = new Map<number, StreamReader>()
    for (const server of living) readers.set(server.id, await open(server))
    const { receipt, code, note } = await send('while it is away', 'all', '4s')
    expect([code, receipt.stored, receipt.servers]).toEqual([75, 2, 3])
    expect(note).toContain('Stored on 2 of 3 servers.')
    expect(await send('enough', 'quorum')).toMatchObject({ code: 0, receipt: { stored: 2, servers: 3 } })

    const reader = readers.get(receipt.signer)
    if (!reader) throw new Error(`A server that is dead signed: ${receipt.signer}`)
    const rung = (stored: number): StoredEvent | undefined =>
      reader.events.find((event): event is StoredEvent => event.type === 'stored' && event.n >= receipt.n && event.stored === stored)
    await reader.until(() => rung(2) !== undefined)
    expect(rung(3)).toBeUndefined()
    await network.restart(victim.id)
    await reader.until(() => rung(3) !== undefined)
    const event = rung(3) as StoredEvent
    expect(await verifyReceipt(event, await keyOf(event.server))).toBe(true)
    expect(await verifyReceipt({ ...event, n: event.n + 1 }, await keyOf(event.server))).toBe(false)
    expect((await send('all are back', 'all')).receipt).toMatchObject({ stored: 3, servers: 3 })
    for (const each of readers.values()) each.stop()
  })

  it('is told to who follows the channel by the program', async () => {
    const tail = command('tail', channel, '--receipts', '--json')
    tails.push(tail)
    await tail.output(({ stderr }) => stderr.includes('connected'))
    const lines = () => tail.stdout().split('\n').slice(0, -1)
    const told = (): StoredEvent[] =>
      lines()
        .map((line) => JSON.parse(line) as StoredEvent)
        .filter(({ type }) => type === 'stored')
    // It streams from two of three: what enters at the third is not told of.
    const sent: { server: number; n: number }[] = []
    const isTold = () => told().some(({ server, n, stored }) => stored === 3 && sent.some((one) => one.server === server && n >= one.n))
    while (!isTold()) sent.push((await send('followed', 'all')).receipt)
    expect(lines().some((line) => (JSON.parse(line) as { message?: unknown }).message === 'followed')).toBe(true)
  })
})
