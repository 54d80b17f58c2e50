import { latencyRowBytes, type RelayEvent, type RelayStatement, relayReceiptBytes } from '@dred/protocol/relay'
import { relayHeadStatement } from '@dred/protocol/statements'
import type { RegistryView } from '../chain/port.ts'
import type { ServerKey } from '../chain/server-key.ts'
import { linkedServer } from '../chain/standing.ts'
import { signerOf } from './peer-keys.ts'

export interface StatementsOptions {
  registry: RegistryView
  key: Pick<ServerKey, 'sign'>
  tell: (event: RelayEvent) => void
}

/** Signs what this server states, and checks what others do. */
export class Statements {
  readonly #options: StatementsOptions

  constructor(options: StatementsOptions) {
    this.#options = options
  }

  async sign(statement: RelayStatement): Promise<void> {
    const { registry, key, tell } = this.#options
    tell({ type: 'signed', statement, signature: await key.sign(bytesOf(registry, statement)) })
  }

  /** A statement of a server that the registry does not have any more is not valid. */
  async check(peer: number, statement: RelayStatement, signature: Uint8Array): Promise<void> {
    const { registry, tell } = this.#options
    const server = linkedServer(registry, serverOf(statement))
    const signer = server && (await signerOf(server, registry.now(), { bytes: bytesOf(registry, statement), signature }))
    tell({ type: 'checked', peer, statement, signature, valid: signer !== undefined })
  }
}

function serverOf(statement: RelayStatement): number {
  switch (statement.kind) {
    case 'head':
      return statement.head.server
    case 'latency':
      return statement.row.server
    case 'receipt':
      return statement.receipt.server
  }
}

function bytesOf({ chainId, serverRegistry, neighborhood }: RegistryView, statement: RelayStatement): Uint8Array<ArrayBuffer> {
  switch (statement.kind) {
    case 'head': {
      const { server, incarnation, n, head } = statement.head
      const hex = `0x${Buffer.from(head).toString('hex')}` as const
      return relayHeadStatement({ chainId, serverRegistry }, { server, incarnation: BigInt(incarnation), n: BigInt(n), head: hex })
    }
    case 'latency':
      return latencyRowBytes({ chainId, serverRegistry, neighborhood }, statement.row)
    case 'receipt':
      return relayReceiptBytes({ chainId, serverRegistry, neighborhood }, statement.receipt)
  }
}
