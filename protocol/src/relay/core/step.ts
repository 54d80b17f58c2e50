import { type Origin, parseOrigin } from '../../version-vector.ts'
import { learn } from './coordinates.ts'
import type { Peer } from './peer.ts'
import type { Relay } from './relay.ts'
import type { CoreFrame, Instant, RelayEffect, RelayEvent } from './types.ts'

/**
 * Tells a relay what happened.
 * @param now never earlier than that of the call before
 * @returns what has to be done about it
 */
export function step(relay: Relay, event: RelayEvent, now: Instant): RelayEffect[] {
  relay.begin(now)
  handle(relay, event)
  return relay.end()
}

function handle(relay: Relay, event: RelayEvent): void {
  switch (event.type) {
    case 'tick':
      relay.rearm()
      return
    case 'recovered':
      recovered(relay, event)
      return
    case 'store-lost':
      storeLost(relay)
      return
    case 'purged':
      relay.floors = event.floors
      return
    case 'members':
      membersAre(relay, event)
      return
    case 'link-up':
      relay.links.up(event.peer)
      return
    case 'link-down':
      relay.links.down(event.peer)
      return
    case 'link-queue':
      relay.links.queue(event.peer, event.bytes, event.ageMs)
      return
    case 'frame': {
      const peer = relay.peers.get(event.peer)
      if (peer) heard(relay, peer, event.frame)
      return
    }
    case 'submitted':
      relay.waiting.hold(
        { missing: event.missing, release: () => relay.emit({ type: 'admit', ticket: event.ticket }) },
        relay.timings.admitMs,
      )
      return
    case 'appended':
      appended(relay, event)
      return
    case 'verified':
      relay.intake.verified(event)
      return
    case 'rejected':
      relay.intake.rejected(event.coordinate, event.detail)
      return
    case 'unverified':
      relay.intake.dropped(event.coordinate)
      return
    case 'stored':
      relay.intake.stored(event.coordinate, event.result)
      return
    case 'read':
      relay.answers.read(event.ticket, event.entries)
      return
    case 'signed':
      signed(relay, event)
      return
    case 'checked':
      checked(relay, event)
      return
  }
}

function storeLost(relay: Relay): void {
  relay.storing = false
  relay.intake.clear()
  relay.waiting.clear()
  relay.teller.clear()
}

function membersAre(relay: Relay, { members, epoch }: Extract<RelayEvent, { type: 'members' }>): void {
  relay.known = true
  relay.router.setMembers(members, epoch)
  relay.latencyRows.membersChanged()
  relay.ownEntries.confirmSoon()
  for (const peer of relay.peers.values()) relay.links.sayState(peer)
  relay.joining.check()
}

function appended(relay: Relay, { entry, id }: Extract<RelayEvent, { type: 'appended' }>): void {
  relay.forwarder.cache.add(entry)
  relay.took(entry, id, relay.self)
  if (entry.coordinate.incarnation !== relay.incarnation) return
  relay.heads.appended(entry.coordinate.n, id)
  relay.ownEntries.appended(entry)
}

function heard(relay: Relay, peer: Peer, frame: CoreFrame): void {
  relay.links.heard(peer)
  switch (frame.type) {
    case 'STATE':
      relay.seen(peer.id, frame.incarnation)
      relay.links.state(peer, frame)
      return
    case 'MSG':
      relay.intake.message(peer, frame.entry, frame.cover)
      return
    case 'HAVE':
      have(relay, peer, frame)
      return
    case 'PROBE':
      relay.answers.probe(peer, frame.ranges)
      return
    case 'WANT':
      relay.answers.want(peer, frame.ranges)
      return
    case 'NO':
      relay.forwarder.refused(peer, frame.coordinate)
      return
    case 'PULL':
      relay.answers.pull(peer, frame)
      return
    case 'BATCH':
      relay.repair.batch(peer, frame.ticket, frame.entries)
      return
    case 'VV':
      relay.vectors.heard(peer, frame)
      return
    case 'HEAD':
      relay.heads.heard(peer, frame)
      return
    case 'LATENCY':
      relay.latencyRows.heard(peer, frame.row, frame.signature)
      return
    case 'RECEIPT':
      relay.receipts.heard(peer, frame.receipt, frame.signature)
      return
    case 'HOME':
      relay.ownEntries.home(peer, frame.coordinate)
      return
    case 'PING':
      relay.send(peer, { type: 'PONG', at: frame.at })
      return
    case 'PONG':
      relay.links.pong(peer, frame.at)
      return
  }
}

function have(relay: Relay, peer: Peer, { vector, credit }: Extract<CoreFrame, { type: 'HAVE' }>): void {
  learn(peer.vector, vector)
  if (credit !== undefined) peer.credit = credit
  for (const [name, counts] of Object.entries(vector)) {
    const origin = name as Origin
    relay.forwarder.settle(peer, origin)
    relay.repair.notice(peer, origin, counts)
  }
  relay.ownEntries.heard(peer)
  relay.forwarder.weigh(peer)
}

function signed(relay: Relay, { statement, signature }: Extract<RelayEvent, { type: 'signed' }>): void {
  switch (statement.kind) {
    case 'head':
      relay.heads.signed({ ...statement.head, signature })
      return
    case 'latency':
      relay.latencyRows.signed(statement.row, signature)
      return
    case 'receipt':
      relay.receipts.signed(statement.receipt, signature)
      return
  }
}

function checked(relay: Relay, { statement, signature, valid }: Extract<RelayEvent, { type: 'checked' }>): void {
  if (!valid) {
    // Not the peer's fault for sure: the server may have signed with a key that the registry does not show here yet.
    relay.counters.invalid++
    return
  }
  switch (statement.kind) {
    case 'head':
      relay.heads.signed({ ...statement.head, signature })
      return
    case 'latency':
      relay.latencyRows.checked(statement.row, signature)
      return
    case 'receipt':
      relay.receipts.checked({ ...statement.receipt, signature })
      return
  }
}

function recovered(relay: Relay, { vector, floors, incarnation }: Extract<RelayEvent, { type: 'recovered' }>): void {
  relay.vector = vector.clone()
  relay.floors = floors
  relay.incarnation = incarnation
  relay.storing = true
  for (const origin of vector.origins) {
    const its = parseOrigin(origin)
    relay.seen(its.server, its.incarnation)
  }
  relay.intake.clear()
  relay.waiting.clear()
  relay.heads.begin()
  relay.ownEntries.begin()
  relay.vectors.start()
  for (const peer of relay.peers.values()) {
    relay.links.sayState(peer)
    relay.vectors.say(peer, true)
  }
  relay.joining.start()
}
