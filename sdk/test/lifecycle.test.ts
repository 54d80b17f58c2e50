import { afterEach, describe, expect, it, vi } from 'vitest'
import type { StateChange } from '../src/index.ts'
import { Cluster } from './cluster.ts'
import { reached, take } from './collect.ts'
import { CountingClock, FakeClock } from './fake-clock.ts'

let cluster: Cluster

afterEach(async () => {
  vi.unstubAllGlobals()
  await cluster.stop()
})

async function expectNothingLeft(clock: CountingClock): Promise<void> {
  expect(clock.pending).toBe(0)
  await expect.poll(() => cluster.relays.map((relay) => relay.openStreams)).toEqual(cluster.relays.map(() => 0))
  expect(clock.pending).toBe(0)
}

/** Passes time, and lets what it sets off happen, until something is so. */
async function pass(clock: FakeClock, stepMs: number, until: () => boolean): Promise<void> {
  while (!until()) {
    clock.advance(stepMs)
    await new Promise((resolve) => setImmediate(resolve))
  }
}

describe('states', () => {
  it('go through every one, as it is', async () => {
    cluster = await Cluster.start({ relays: 2 })
    const channel = await cluster.client().channels.create<number>()
    const clock = new FakeClock()
    const client = cluster.client({ clock, timing: { suspendAfterMs: 1_000_000 } })
    const states: string[] = []
    client.on('state', ({ state, previous }: StateChange) => states.push(`${previous} → ${state}`))
    const subscription = (await client.channels.get<number>(channel.id)).subscribe()
    await reached(subscription, 'connected')
    await cluster.relay(2).kill()
    await reached(subscription, 'degraded')
    await cluster.relay(1).kill()
    await reached(subscription, 'reconnecting')
    await pass(clock, 10_000, () => subscription.state === 'suspended')
    await Promise.all(cluster.relays.map((relay) => relay.start()))
    await pass(clock, 100, () => subscription.state === 'connected')
    client.close()
    await subscription.closed
    expect(states.filter((state) => state !== 'suspended → degraded' && state !== 'degraded → connected')).toEqual([
      'idle → connecting',
      'connecting → degraded',
      'connected → degraded',
      'degraded → reconnecting',
      'reconnecting → suspended',
      'connected → closed',
    ])
  })

  it('shows the worst of several subscriptions', async () => {
    cluster = await Cluster.start({ relays: 2 })
    const client = cluster.client()
    const channel = await client.channels.create()
    const first = channel.subscribe()
    await reached(first, 'connected')
    expect(client.state).toBe('connected')
    const second = channel.subscribe()
    expect(client.state).toBe('connecting')
    await reached(second, 'connected')
    await Promise.all([first.close(), second.close()])
    expect(client.state).toBe('idle')
  })

  it('looks at its streams at once when the page becomes visible', async () => {
    cluster = await Cluster.start({ relays: 1 })
    const page = Object.assign(new EventTarget(), { visibilityState: 'visible' })
    vi.stubGlobal('document', page)
    const channel = await cluster.client().channels.create<number>()
    // A clock whose timers do not run, as in a page that sleeps.
    const clock = new FakeClock()
    let asleepMs = 0
    const sleepy = {
      now: () => clock.now() + asleepMs,
      setTimeout: clock.setTimeout.bind(clock),
      clearTimeout: clock.clearTimeout.bind(clock),
    }
    const client = cluster.client({ clock: sleepy, servers: { min: 1, max: 1 }, random: () => 0 })
    const subscription = (await client.channels.get<number>(channel.id)).subscribe()
    await reached(subscription, 'connected')
    await expect.poll(() => clock.pending).toBe(1)
    asleepMs = 60_000
    const streams = cluster.relay(1).requestsTo('/stream')
    page.dispatchEvent(new Event('visibilitychange'))
    await expect.poll(() => cluster.relay(1).requestsTo('/stream')).toBe(streams + 1)
    await reached(subscription, 'connected')
    await channel.publish(1)
    expect(await take(subscription, 1)).toEqual([1])
  })
})

describe('ending', () => {
  it('leaves nothing behind, in whatever state', async () => {
    cluster = await Cluster.start({ relays: 2 })
    const channel = await cluster.client().channels.create<number>()
    const clock = new CountingClock()
    const client = cluster.client({ clock, timing: { backoffBaseMs: 60_000, backoffCapMs: 60_000, hedgeMs: 60_000 }, random: () => 0.9 })
    const own = await client.channels.get<number>(channel.id)
    const hang = new Promise<void>(() => undefined)
    const situations: Record<string, () => Promise<void>> = {
      'at once': () => Promise.resolve(),
      connected: async () => {
        const other = own.subscribe()
        await reached(other, 'connected')
        await other.close()
      },
      'waiting for a stream to open': async () => {
        for (const relay of cluster.relays) relay.faults = { holdOpen: hang }
        const requests = cluster.relay(1).requestsTo('/stream') + cluster.relay(2).requestsTo('/stream')
        waitFor = () =>
          expect.poll(() => cluster.relay(1).requestsTo('/stream') + cluster.relay(2).requestsTo('/stream')).toBeGreaterThan(requests)
      },
      'waiting to try again': async () => {
        for (const relay of cluster.relays) relay.faults = {}
        await Promise.all(cluster.relays.map((relay) => relay.kill()))
        const failures = client.errors.length
        waitFor = () => expect.poll(() => client.errors.length).toBeGreaterThan(failures + 1)
      },
    }
    let waitFor = (): PromiseLike<void> => Promise.resolve()
    for (const [situation, arrange] of Object.entries(situations)) {
      waitFor = () => Promise.resolve()
      await arrange()
      const abort = new AbortController()
      const subscription = own.subscribe({ signal: abort.signal })
      const next = subscription.next()
      await waitFor()
      abort.abort()
      expect({ situation, next: await next, error: await subscription.closed }).toEqual({
        situation,
        next: { done: true, value: undefined },
        error: undefined,
      })
      await expectNothingLeft(clock)
    }
    expect(client.state).toBe('idle')
  })

  it('ends a subscription whose discovery hangs, and a publish that waits', async () => {
    cluster = await Cluster.start({ relays: 1 })
    const channel = await cluster.client().channels.create<number>()
    const clock = new CountingClock()
    const asked: AbortSignal[] = []
    const client = cluster.client({
      clock,
      fetch: (_input, init) =>
        new Promise((_resolve, reject) => {
          if (!init?.signal) return
          asked.push(init.signal)
          init.signal.addEventListener('abort', () => reject(new Error('aborted')))
        }),
    })
    const own = await client.channels.get<number>(channel.id, { genesis: channel.genesis })
    const abort = new AbortController()
    const subscription = own.subscribe({ signal: abort.signal })
    const published = own.publish(1, { signal: abort.signal }).catch((error: unknown) => error)
    await expect.poll(() => asked.length).toBe(1)
    abort.abort()
    expect(await published).toMatchObject({ code: 'aborted' })
    expect(await subscription.closed).toBeUndefined()
    expect(asked[0]?.aborted).toBe(true)
    expect(clock.pending).toBe(0)
  })

  it('ends with break, with close, with an aborted signal and with the client', async () => {
    cluster = await Cluster.start({ relays: 2 })
    const clock = new CountingClock()
    const client = cluster.client({ clock })
    const channel = await client.channels.create<number>()
    await channel.publish(1)
    for await (const { data } of channel.subscribe({ from: 'start' })) {
      expect(data).toBe(1)
      break
    }
    await expectNothingLeft(clock)
    expect(await channel.subscribe({ signal: AbortSignal.abort() }).next()).toEqual({ done: true, value: undefined })
    const subscription = channel.subscribe()
    await subscription.opened()
    client.close()
    expect(await subscription.next()).toEqual({ done: true, value: undefined })
    expect(client.state).toBe('closed')
    await expectNothingLeft(clock)
    await expect(channel.publish(2)).rejects.toMatchObject({ code: 'closed' })
    await expect(channel.history()).rejects.toMatchObject({ code: 'closed' })
    expect(() => channel.subscribe()).toThrow(expect.objectContaining({ code: 'closed' }))
  })

  it('takes its listeners off the page when nothing needs them', async () => {
    cluster = await Cluster.start({ relays: 1 })
    const listening: string[] = []
    const page = {
      visibilityState: 'visible',
      addEventListener: (name: string) => listening.push(name),
      removeEventListener: (name: string) => listening.splice(listening.indexOf(name), 1),
    }
    vi.stubGlobal('document', page)
    vi.stubGlobal('addEventListener', page.addEventListener)
    vi.stubGlobal('removeEventListener', page.removeEventListener)
    const client = cluster.client()
    expect(listening).toEqual([])
    const channel = await client.channels.create<number>()
    const [first, second] = [channel.subscribe(), channel.subscribe()]
    await channel.publish(1)
    expect(new Set(listening)).toEqual(new Set(['online', 'visibilitychange']))
    await first.close()
    expect(listening).not.toEqual([])
    await second.close()
    expect(listening).toEqual([])
  })

  it('rejects a publish that waits when the client is closed', async () => {
    cluster = await Cluster.start({ relays: 1 })
    const clock = new CountingClock()
    const client = cluster.client({ clock })
    const channel = await client.channels.create<number>()
    await cluster.relay(1).kill()
    const published = channel.publish(1).catch((error: unknown) => error)
    await expect.poll(() => client.pendingPublishes).toBe(1)
    client.close()
    expect(await published).toMatchObject({ code: 'closed' })
    expect(clock.pending).toBe(0)
  })
})
