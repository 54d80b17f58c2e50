import { serverRegistryAbi } from '@dred/contracts'
import { emptyHead, nextHead, relayHeadStatement, signStatement } from '@dred/protocol/statements'
import {
  attestServer,
  type Chain,
  createNeighborhood,
  deploy,
  type Registries,
  registerServer,
  startChain,
} from '../../../../test/fixtures/chain.ts'
import { newServerKey } from '../../testing/server-key.ts'
import type { RegistryView } from '../port.ts'
import { openRegistryView, type RegistryViewOptions } from '../registry-view.ts'
import type { ServerKey } from '../server-key.ts'

/** A chain with one neighborhood, and views of it that look often. */
export class RegistryHarness {
  chain: Chain
  registries: Registries
  readonly #keys: ServerKey[]
  readonly #views: RegistryView[] = []

  private constructor(chain: Chain, registries: Registries, keys: ServerKey[]) {
    this.chain = chain
    this.registries = registries
    this.#keys = keys
  }

  static async start(): Promise<RegistryHarness> {
    const chain = await startChain()
    const registries = await deploy(chain)
    await createNeighborhood(chain.wallet(0), registries)
    return new RegistryHarness(chain, registries, await Promise.all([newServerKey(), newServerKey(), newServerKey()]))
  }

  /** @param at 0 to 2 */
  key(at: number): ServerKey {
    const found = this.#keys[at]
    if (!found) throw new Error('no such key')
    return found
  }

  get location(): RegistryViewOptions {
    const { serverRegistry, neighborhoodRegistry } = this.registries
    const addresses = { chainId: 31_337, serverRegistry, neighborhoodRegistry }
    return { rpcUrl: this.chain.rpcUrl, ...addresses, startBlock: 0, neighborhood: '1', pollingMs: 20 }
  }

  async open(options: Partial<RegistryViewOptions> = {}): Promise<RegistryView> {
    const view = await openRegistryView({ ...this.location, ...options })
    this.#views.push(view)
    return view
  }

  register(at: number, endpoint: string, neighborhood = 1) {
    return registerServer(this.chain.wallet(0), this.registries, { neighborhood, endpoint, key: this.key(at) })
  }

  attest(id: number, endpoint: string, seconds = 86_400) {
    return attestServer(this.chain.wallet(0), this.registries, { id, neighborhood: 1, endpoint, seconds })
  }

  /** Mines a block that is later. */
  async later(seconds: number): Promise<void> {
    await this.chain.clock.increaseTime({ seconds })
    await this.chain.clock.mine({ blocks: 1 })
  }

  /** Has the key sign two histories and reports it. */
  async slash(server: number, key: ServerKey): Promise<void> {
    const { chainId, serverRegistry } = this.registries
    const { keyX, keyY } = key
    const state = async (head: `0x${string}`) => {
      const statement = { server, incarnation: 1n, n: 1n, head }
      const signature = await signStatement(key, relayHeadStatement({ chainId, serverRegistry }, statement))
      return [statement, { keyX, keyY, ...signature }] as const
    }
    const other = nextHead(emptyHead, `0x${'02'.repeat(32)}`)
    const [first, second] = await Promise.all([state(nextHead(emptyHead, `0x${'01'.repeat(32)}`)), state(other)])
    await this.chain.wallet(1).writeContract({
      address: serverRegistry,
      abi: serverRegistryAbi,
      functionName: 'slashRelay',
      args: [...first, ...second, { ancestor: other, ids: [] }],
    })
  }

  async head(): Promise<number> {
    return Number(await this.chain.clock.getBlockNumber({ cacheTime: 0 }))
  }

  async close(): Promise<void> {
    await Promise.all(this.#views.splice(0).map((view) => view.close()))
    await this.chain.close()
  }
}
