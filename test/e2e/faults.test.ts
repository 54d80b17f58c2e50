import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type ExampleEvent, run, type Summary } from '@dred/example-poker'
import type { MessagePage } from '@dred/protocol'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type RedisServer, startRedis } from '../../node/src/store/testing/redis-server.ts'
import { type Network, startNetwork } from './network.ts'
import { type Process, stop, until } from './processes.ts'

/** Moves, by their count, at which something happens to the network while the hands go on. */
type Script = Record<number, () => Promise<void>>

/** Plays all hands; every step of the script has happened before the books are closed. */
async function play(network: Network, script: Script): Promise<Summary> {
  let moves = 0
  const steps: Promise<void>[] = []
  const summary = await run({
    neighborhood: network.neighborhood,
    discovery: [network.discovery],
    servers: network.servers,
    once: true,
    speed: 30,
    signal: new AbortController().signal,
    report(event: ExampleEvent) {
      if (event.type === 'move') {
        moves++
        const step = script[moves]
        if (step) steps.push(step())
      }
    },
  })
  await Promise.all(steps)
  expect(steps).toHaveLength(Object.keys(script).length)
  return summary
}

function expectNothingLost(summary: Summary): void {
  expect(summary.published).toBeGreaterThan(100)
  expect(summary.tables).toHaveLength(3)
  for (const table of summary.tables) expect(table).toMatchObject({ lost: 0, duplicates: 0, complete: true, delivered: table.expected })
  expect(summary).toMatchObject({ lost: 0, duplicates: 0, delivered: summary.expected })
}

/** Ids that a server holds of a channel. */
async function idsOn(endpoint: string, channel: string): Promise<string[]> {
  const response = await fetch(`${endpoint}/channel/${channel}/messages?limit=500`)
  if (!response.ok) return []
  const page = (await response.json()) as MessagePage
  return page.items.map(({ id }) => id).sort()
}

/** Waits until every server holds the same messages of every table, and as many as were published. */
async function expectAllServersComplete(network: Network, summary: Summary): Promise<void> {
  for (const { channel, published } of summary.tables) {
    await until(async () => {
      const held = await Promise.all(network.servers.map(({ endpoint }) => idsOn(endpoint, channel)))
      return held.every((ids) => ids.length === published && ids.join() === held[0]?.join())
    })
  }
}

describe('the tables play on', () => {
  let network: Network
  let redis: RedisServer
  const started: Process[] = []

  beforeAll(async () => {
    network = await startNetwork()
    redis = await startRedis()
  })
  afterEach(async () => {
    for (const process of started.splice(0)) await stop(process, 'SIGTERM')
  })
  afterAll(async () => {
    await network.close()
    await redis.stop()
  })

  it('while one of three servers is killed and comes back', async () => {
    const [victim = 0] = network.servers.map(({ id }) => id)
    const summary = await play(network, {
      15: () => network.kill(victim),
      60: async () => {
        await network.restart(victim)
      },
    })
    expectNothingLost(summary)
    await expectAllServersComplete(network, summary)
  })

  it('while Redis is killed under a server and comes back', async () => {
    const [, victim = 0] = network.servers.map(({ id }) => id)
    // The same server, on Redis from here on: it gets its past back from its peers.
    const config = join(network.folder, 'redis.toml')
    const text = readFileSync(network.configOf(victim), 'utf8')
    writeFileSync(config, withRedis(text, redis.url))
    await network.kill(victim)
    const server = await network.restart(victim, config)
    started.push(server)

    const summary = await play(network, {
      15: () => redis.kill(),
      60: () => redis.restart(),
    })
    expectNothingLost(summary)
    await expectAllServersComplete(network, summary)
    expect(server.child.exitCode, 'the server outlives its Redis').toBeNull()
  })
})

/** A server's configuration with its store replaced. */
function withRedis(text: string, url: string): string {
  const changed = text.replace(/^store = .*$/m, `store = "${url}"`)
  expect(changed).not.toBe(text)
  return changed
}
