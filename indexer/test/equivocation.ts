import { relayHeadStatement, signStatement } from '@dred/protocol/statements'
import { keccak256, stringToBytes } from 'viem'
import type { Registries, SigningKey } from '../../test/fixtures/chain.ts'

/** The arguments of a slash: two histories at one position, signed by one key. */
export async function equivocation({ chainId, serverRegistry }: Registries, server: number, key: SigningKey) {
  const [incarnation, n] = [1_700_000_000_000n, 5n]
  const heads = ['one', 'two'].map((text) => ({ server, incarnation, n, head: keccak256(stringToBytes(text)) }))
  const signed = []
  for (const statement of heads) {
    const signature = await signStatement(key, relayHeadStatement({ chainId, serverRegistry }, statement))
    signed.push({ statement, signature: { keyX: key.keyX, keyY: key.keyY, ...signature } })
  }
  const [first, second] = signed
  if (first === undefined || second === undefined) throw new Error('There are two')
  const branch = { ancestor: second.statement.head, ids: [] }
  return [first.statement, first.signature, second.statement, second.signature, branch] as const
}
