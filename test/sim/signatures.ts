import type { RelayEffect, RelayEvent, RelayStatement } from '@dred/protocol/relay'
import { hash } from './random.ts'

/** What comes of signing a statement or checking its signature. */
export function answerOf(effect: Extract<RelayEffect, { type: 'sign' | 'check' }>): RelayEvent {
  const { statement } = effect
  const signature = sign(statement)
  if (effect.type === 'sign') return { type: 'signed', statement, signature }
  return {
    type: 'checked',
    peer: effect.peer,
    statement,
    signature: effect.signature,
    valid: Buffer.compare(signature, effect.signature) === 0,
  }
}

/** Not a signature, but what follows from a statement alone: forging is not what is simulated, mixing statements up would be found. */
function sign(statement: RelayStatement): Uint8Array {
  const signature = new Uint8Array(64)
  new DataView(signature.buffer).setUint32(0, hash(textOf(statement)))
  return signature
}

function textOf(statement: RelayStatement): string {
  switch (statement.kind) {
    case 'head': {
      const { server, incarnation, n, head } = statement.head
      return `head ${server} ${incarnation} ${n} ${Buffer.from(head).toString('hex')}`
    }
    case 'latency': {
      const { server, clock, epoch, roundTrips } = statement.row
      return `latency ${server} ${clock} ${epoch} ${Buffer.from(roundTrips).toString('hex')}`
    }
    case 'receipt': {
      const { server, sender, clock, items } = statement.receipt
      const list = items.map((item) => `${item.server} ${item.incarnation} ${item.upTo} ${item.count}`)
      return `receipt ${server} ${sender} ${clock} ${list.join(' ')}`
    }
  }
}
