import { type Delegation, delegationText } from '@dred/protocol'
import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import { startChain } from '../../../test/fixtures/chain.ts'
import type { WalletChain } from './port.ts'
import { type CountingRpc, countingRpc } from './testing/rpc.ts'
import { deployContracts, type TestWallet } from './testing/wallets.ts'
import { viemWalletChain } from './wallet-chain.ts'

const ref = { chainId: 31_337, serverRegistry: `0x${'aa'.repeat(20)}`, neighborhood: '1' }
const now = Date.now()

const chain = await startChain()
const contracts = await deployContracts(chain)
let rpc: CountingRpc
let wallets: WalletChain

beforeEach(async () => {
  rpc = await countingRpc(chain.rpcUrl)
  wallets = viemWalletChain(rpc.url)
  return () => rpc.close()
}, 30_000)
afterAll(() => chain.close())

async function delegationOf(wallet: TestWallet, signer = wallet): Promise<Delegation> {
  const times = { issuedAt: now, expiresAt: now + 60_000 }
  const message = delegationText(ref, 'A'.repeat(43), { address: wallet.address, domain: 'a.example', uri: 'https://a.example', ...times })
  return { message, signature: await signer.sign(message) }
}

const lower = ({ address }: TestWallet) => address.toLowerCase() as `0x${string}`

describe('what wallets sign', () => {
  it.each(['account', 'contract', 'undeployed'] as const)('holds for the %s, and for no other', async (kind) => {
    const { [kind]: wallet } = contracts
    const delegation = await delegationOf(wallet)
    expect(await wallets.signedDelegation(delegation, now)).toBe(true)
    expect(await wallets.signedDelegation({ ...delegation, message: delegation.message.replace('act', 'rest') }, now)).toBe(false)
    expect(await wallets.signedDelegation(delegation, now + 60_000)).toBe(false)
    const other = { address: chain.wallet(2).account.address, sign: (text: string) => chain.wallet(2).signMessage({ message: text }) }
    expect(await wallets.signedDelegation(await delegationOf(wallet, other), now)).toBe(false)
    expect(await wallets.signedDelegation({ ...delegation, signature: '0x1234' }, now)).toBe(false)
    const signature = await wallet.sign('any text')
    expect(await wallets.signedText(lower(wallet), { text: 'any text', signature })).toBe(true)
    expect(await wallets.signedText(lower(wallet), { text: 'another text', signature })).toBe(false)
  })

  it('needs no call for an account', async () => {
    expect(await wallets.signedDelegation(await delegationOf(contracts.account), now)).toBe(true)
    expect(rpc.calls).toBe(0)
    rpc.down = true
    expect(await wallets.signedDelegation(await delegationOf(contracts.account), now)).toBe(true)
  })

  it.each(['contract', 'undeployed'] as const)('is unknown for the %s while the chain is away', async (kind) => {
    rpc.down = true
    const delegation = await delegationOf(contracts[kind])
    await expect(wallets.signedDelegation(delegation, now)).rejects.toMatchObject({ code: 'chain_unavailable', detail: undefined })
    const text = { text: 'text', signature: '0x1234' } as const
    await expect(wallets.signedText(lower(contracts[kind]), text)).rejects.toMatchObject({ code: 'chain_unavailable' })
    rpc.down = false
    expect(await wallets.signedDelegation(delegation, now)).toBe(true)
  })
})

describe('what wallets hold', () => {
  it('is read at a block, of tokens of both kinds', async () => {
    const { account, token, nft, mint } = contracts
    const before = Number(await chain.clock.getBlockNumber({ cacheTime: 0 }))
    await mint('token', account.address, 5n)
    await mint('nft', account.address, 77n)
    const after = before + 2
    expect(await wallets.balance(token, lower(account), before)).toBe(0n)
    expect(await wallets.balance(token, lower(account), after)).toBe(5n)
    expect(await wallets.balance(nft, lower(account), before)).toBe(0n)
    expect(await wallets.balance(nft, lower(account), after)).toBe(1n)
  })

  it('is nothing that can be read where there is no token', async () => {
    const block = Number(await chain.clock.getBlockNumber({ cacheTime: 0 }))
    expect(await wallets.balance(`0x${'12'.repeat(20)}`, lower(contracts.account), block)).toBeUndefined()
    expect(await wallets.balance(lower(contracts.contract), lower(contracts.account), block)).toBeUndefined()
  })

  it('is unknown while the chain is away, and at a block that it does not have', async () => {
    const wallet = lower(contracts.account)
    await expect(wallets.balance(contracts.token, wallet, 1_000_000)).rejects.toMatchObject({ code: 'chain_unavailable' })
    rpc.down = true
    await expect(wallets.balance(contracts.token, wallet, 1)).rejects.toMatchObject({ code: 'chain_unavailable' })
  })

  it('is asked for by so many calls at once, and not by more than can wait', async () => {
    let go = (): void => undefined
    rpc.until = new Promise<void>((resolve) => {
      go = resolve
    })
    const block = Number(await chain.clock.getBlockNumber({ cacheTime: 0 }))
    const asked = Array.from({ length: 280 }, () => wallets.balance(contracts.token, lower(contracts.account), block))
    const turnedAway = asked.splice(16 + 256)
    for (const question of turnedAway) await expect(question).rejects.toMatchObject({ code: 'rate_limited' })
    await expect.poll(() => rpc.most).toBe(16)
    go()
    expect(new Set(await Promise.all(asked)).size).toBe(1)
    expect(rpc.most).toBe(16)
  })
})
