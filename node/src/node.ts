import { setTimeout as delay } from 'node:timers/promises'
import type { FastifyInstance } from 'fastify'
import { PROOF_TOPIC } from './already-serving.ts'
import { accessBy } from './access/access.ts'
import { Operator } from './admin/operator.ts'
import { type AdminServer, startAdmin } from './admin/server.ts'
import type { Access } from './access/port.ts'
import { ChannelTracker } from './channel-tracker.ts'
import { Channels } from './channels.ts'
import { handedOn, untilSo } from './handing-on.ts'
import { createApp } from './http/app.ts'
import { httpLimits } from './http/limits.ts'
import type { Listener } from './http/listener.ts'
import { createIdentity, type Identity } from './identity/index.ts'
import { Incarnation } from './incarnation.ts'
import { Limiter } from './limits/limiter.ts'
import { ServerNotices } from './notices/notices.ts'
import { ChannelMembers } from './members/channel-members.ts'
import { MembersGate } from './members/members-gate.ts'
import { Membership, reporter, type Standing } from './membership.ts'
import { createMetrics, type Metrics } from './observability/metrics.ts'
import { observedStore } from './observability/observed-store.ts'
import { reportFaults } from './observability/requests.ts'
import { withTracing } from './observability/with-tracing.ts'
import type { Node, NodeDependencies, NodeSettings } from './node-port.ts'
import type { Replicator } from './peers/port.ts'
import { Presence } from './presence/presence.ts'
import { noBus } from './processes/bus.ts'
import { createReplication, type Replication } from './processes/index.ts'
import { Realtime } from './realtime/realtime.ts'
import { ReceiptSigner } from './receipt-signer.ts'
import { Receipts } from './receipts.ts'
import { RecentEntries } from './recent-entries.ts'
import { readSoftware } from './software.ts'
import { Retention } from './retention/retention.ts'
import { Upkeep } from './upkeep.ts'

export type { Node, NodeDependencies, NodeSettings }

const RECENT = { count: 5_000, bytes: 16_777_216, ageMs: 5_000 }
const TRACKED_CHANNELS = 10_000
const DRAIN = { delayMs: 0, retryMs: 250, timeoutMs: 1_000 }

/**
 * Starts a relay server on its ports.
 * @throws the system's error when an address cannot be listened on; DredError `store_unavailable`
 */
export async function createNode(settings: NodeSettings, dependencies: NodeDependencies): Promise<Node> {
  const node = new RelayNode(
    settings,
    withTracing(dependencies),
    new Incarnation(dependencies.self.id, await dependencies.store.vector(), dependencies.now),
  )
  await node.listen()
  return node
}

class RelayNode implements Node {
  url = ''
  adminUrl = ''
  readonly #settings: NodeSettings
  readonly #dependencies: NodeDependencies
  readonly #incarnation: Incarnation
  readonly #membership: Membership
  readonly #identity: Identity
  readonly #members: ChannelMembers
  readonly #access: Access
  readonly #limiter: Limiter
  readonly #operator: Operator
  readonly #reportMembership: (standing: Standing) => void
  readonly #metrics: Metrics = createMetrics()
  readonly #recent = new RecentEntries(RECENT)
  readonly #notices: ServerNotices
  readonly #tracker: ChannelTracker
  readonly #presence: Presence
  readonly #realtime: Realtime
  readonly #replication: Replication
  readonly #retention: Retention
  readonly #upkeep: Upkeep
  readonly #receipts: Receipts
  readonly #stops: (() => void)[] = []
  #app: FastifyInstance | undefined
  #admin: AdminServer | undefined
  #closing = false
  #refusing = false

  constructor(settings: NodeSettings, dependencies: NodeDependencies, incarnation: Incarnation) {
    const { registry, self, key, replicatorFactory, now, verify, logger, tracing } = dependencies
    const store = observedStore(dependencies.store, this.#metrics, tracing)
    const bus = store.shared?.bus ?? noBus
    this.#settings = settings
    this.#dependencies = { ...dependencies, store }
    this.#incarnation = incarnation
    this.#membership = new Membership(registry, { server: self.id, keyId: key.keyId })
    this.#reportMembership = reporter(logger)
    this.#tracker = new ChannelTracker(store, { capacity: TRACKED_CHANNELS, pinned: (id) => this.#realtime.uses(id) })
    this.#notices = new ServerNotices({ store, bus, now, log: logger })
    this.#identity = createIdentity({ ...dependencies, settings: settings.identity, notices: this.#notices, bus })
    this.#limiter = new Limiter({ limits: settings.limits, pool: store.tokens, bus, now })
    this.#members = new ChannelMembers(store, this.#tracker)
    this.#access = accessBy({ members: new MembersGate(this.#members), token: this.#identity.gate })
    const judges = { access: this.#access, verify, allowances: this.#limiter }
    this.#presence = new Presence({ notices: this.#notices, tracker: this.#tracker, now, ...judges })
    const makeReplicator = (): Replicator =>
      replicatorFactory({
        store,
        notices: this.#notices,
        registry,
        self: () => incarnation.self,
        outgrow: (known) => {
          incarnation.renew(known)
          logger.warn(
            { known, ...incarnation.self },
            'beginning a later incarnation: the store may lack some of what the one before counted',
          )
        },
        events: this.#metrics.replication,
        log: logger,
        now,
      })
    const processes = { settings: settings.processes, replicatorFactory: makeReplicator }
    this.#replication = createReplication({ store, registry, incarnation, now, log: logger, ...processes })
    const ladder = {
      signer: new ReceiptSigner({ registry, key, now }),
      replicator: this.#replication.replicator,
      self: () => incarnation.self,
    }
    this.#receipts = new Receipts(ladder)
    this.#realtime = new Realtime({
      settings,
      store,
      tracker: this.#tracker,
      ladder,
      presence: this.#presence,
      server: self.id,
      ...this.#metrics.realtime,
      onFault: reportFaults(this.#metrics, logger),
    })
    this.#retention = new Retention(settings.retention ?? {}, store)
    this.#upkeep = new Upkeep({
      store,
      retention: this.#retention,
      incarnation,
      recent: this.#recent,
      tracker: this.#tracker,
      realtime: this.#realtime,
      replication: this.#replication,
      now,
      log: logger,
      purgeEveryMs: settings.purgeEveryMs,
    })
    this.#operator = new Operator({
      ...this.#dependencies,
      certificates: settings.tls,
      membership: this.#membership,
      limiter: this.#limiter,
      realtime: this.#realtime,
      replication: this.#replication,
    })
  }

  async listen(): Promise<void> {
    const { host, port, admin } = this.#settings
    try {
      await this.#notices.start()
      const { app, listener } = await this.#createApp()
      this.#app = app
      this.#cutOffOnClose(app, listener)
      this.#observe(listener)
      // `reusePort` is for node:net: the kernel shares connections out among the processes that listen.
      const where = { host, port, reusePort: (this.#settings.processes?.count ?? 1) > 1 }
      const address = new URL(await app.listen(where))
      this.url = `${this.#settings.tls ? 'https' : 'http'}://${address.host}`
      this.#admin = await startAdmin({
        ...admin,
        checks: () => this.#operator.checks(this.#closing),
        metrics: this.#metrics,
        commands: this.#operator.commands(listener.connections),
      })
      this.adminUrl = this.#admin.url
      this.#watch()
      void this.#replication.replicator.start()
    } catch (error) {
      await this.close()
      throw error
    }
  }

  async close(): Promise<void> {
    const { delayMs, retryMs, timeoutMs } = this.#settings.drain ?? DRAIN
    const { replicator } = this.#replication
    this.#closing = true
    if (delayMs > 0 && this.#admin) await delay(delayMs)
    this.#refusing = true
    for (const stop of this.#stops.splice(0)) stop()
    this.#realtime.closeAll('shutting_down', retryMs)
    this.#receipts.stop()
    const handing = { store: this.#dependencies.store, replicator, self: () => this.#incarnation.self }
    if (!(await handedOn(handing, timeoutMs))) this.#dependencies.logger.warn({}, 'leaving before the peers have confirmed all')
    // Closing the listener cuts off what has been written to a stream but has not left.
    await untilSo(() => this.#realtime.hub.streams === 0, timeoutMs)
    await Promise.all([this.#app?.close(), replicator.stop()])
    await this.#admin?.close()
    this.#realtime.stop()
    this.#tracker.close()
    this.#notices.stop()
    this.#limiter.stop()
    this.#identity.sessions.close()
  }

  #createApp(): ReturnType<typeof createApp> {
    const { store, registry, self, key, now, verify, logger, tracing } = this.#dependencies
    const { tls, trustProxy, http, altSvc } = this.#settings
    const channels = new Channels({
      store,
      registry,
      membership: this.#membership,
      access: this.#access,
      members: this.#members,
      tracker: this.#tracker,
      incarnation: this.#incarnation,
      recent: this.#recent,
      retention: this.#retention,
      now,
      clock: () => this.#replication.replicator.clock(),
      admit: (missing) => this.#replication.replicator.admit(missing),
      verify,
      allowances: this.#limiter,
      onPublished: this.#metrics.published,
    })
    return createApp(
      {
        channels,
        presence: this.#presence,
        receipts: this.#receipts,
        realtime: this.#realtime,
        registry,
        replicator: this.#replication.replicator,
        self,
        key,
        membership: this.#membership,
        identity: this.#identity,
        metrics: this.#metrics,
        tracing,
        software: readSoftware(),
        incarnation: () => this.#incarnation.self.incarnation,
        onProof: (nonce) => store.shared?.bus.publish(PROOF_TOPIC, nonce),
        now,
        isClosing: () => this.#refusing || this.#operator.draining,
      },
      { limiter: this.#limiter, trustProxy, limits: { ...httpLimits, ...http }, altSvc, logger, ...(tls === undefined ? {} : { tls }) },
    )
  }

  #observe({ connections }: Listener): void {
    this.#metrics.observe({
      ...this.#dependencies,
      software: readSoftware(),
      checks: () => this.#operator.checks(this.#closing),
      standing: () => this.#membership.standing(),
      leads: this.#replication.leads,
      incarnation: this.#incarnation,
      relay: () => this.#replication.replicator.statistics(),
      realtime: this.#realtime,
      connections,
      limiter: this.#limiter,
      sessions: this.#identity.sessions,
      presence: this.#presence,
      notices: this.#notices,
      certificates: this.#settings.tls,
    })
  }

  #cutOffOnClose(app: FastifyInstance, listener: Listener): void {
    app.addHook('preClose', async () => {
      listener.closeSessions()
      const cutOff = setTimeout(() => listener.destroyConnections(), (this.#settings.drain ?? DRAIN).timeoutMs)
      listener.server.once('close', () => clearTimeout(cutOff))
    })
  }

  /** Follows chain, store and time. */
  #watch(): void {
    const { registry } = this.#dependencies
    this.#followMembership()
    this.#stops.push(
      registry.onChange(() => this.#followMembership()),
      () => this.#upkeep.stop(),
    )
    this.#upkeep.start()
  }

  #followMembership(): void {
    const standing = this.#membership.standing()
    if (!standing.serves) this.#realtime.hub.closeAll('not_serving', 5_000)
    this.#reportMembership(standing)
  }
}
