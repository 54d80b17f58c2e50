import { complianceRegistryAbi, neighborhoodRegistryAbi, serverRegistryAbi } from '@dred/contracts'
import { type Address, type Hex, isAddressEqual, type PrivateKeyAccount, zeroAddress } from 'viem'
import { CliError } from '../../errors.ts'
import type { Step } from '../../steps.ts'
import { chainTime, type Deployed } from '../chain.ts'
import { attestationModes } from '../neighborhoods-on-chain.ts'
import { readServer } from '../servers.ts'
import { transactionSteps } from '../transact.ts'

/** A round of attestations; its number is 0 if there was none. Times are Unix seconds. */
export interface Round {
  number: number
  opensAt: number
  closesAt: number
  mode: (typeof attestationModes)[number]
  /** Independent attesters. */
  eligible: number
  /** Votes needed. */
  threshold: number
  open: boolean
  /** The appointed attesters by their numbers from 1, or the attesting servers by their ids. */
  attesters: { number: number; account: Address; keyId: Hex }[]
}

export async function readRound(deployed: Deployed, neighborhood: number): Promise<Round> {
  const { client, complianceRegistry: address } = deployed
  const call = { address, abi: complianceRegistryAbi, args: [neighborhood] } as const
  const [{ attesterSet, mode, ...round }, peers, now] = await Promise.all([
    client.readContract({ ...call, functionName: 'roundOf' }),
    client.readContract({ ...call, functionName: 'peersOf' }),
    chainTime(client),
  ])
  const attesters =
    mode === 0 ? await appointed(deployed, neighborhood, { set: attesterSet, size: round.eligible }) : await peersBy(deployed, peers)
  return { ...round, mode: attestationModes[mode] ?? 'appointed', open: round.number > 0 && now <= round.closesAt, attesters }
}

/** The attesters of one set that was appointed; sets never change. */
async function appointed(
  { client, neighborhoodRegistry: address }: Deployed,
  neighborhood: number,
  { set, size }: { set: number; size: number },
): Promise<Round['attesters']> {
  const numbers = Array.from({ length: size }, (_, index) => index + 1)
  return Promise.all(
    numbers.map(async (number) => {
      const args = [neighborhood, set, BigInt(number)] as const
      const { account, keyId } = await client.readContract({ address, abi: neighborhoodRegistryAbi, functionName: 'attesterAt', args })
      return { number, account, keyId: lower(keyId) }
    }),
  )
}

function peersBy(deployed: Deployed, ids: readonly number[]): Promise<Round['attesters']> {
  return Promise.all(
    ids.map(async (number) => {
      const { operator, keyId } = await readServer(deployed, number)
      return { number, account: operator, keyId: lower(keyId) }
    }),
  )
}

/**
 * The attester that a key speaks for in a round.
 * @throws CliError `not_attester`
 */
export async function attesterOf(
  { client, serverRegistry: address }: Deployed,
  round: Round,
  keyId: Hex,
): Promise<{ number: number; account: Address }> {
  const known = round.attesters.find((attester) => attester.keyId === keyId)
  if (known) return known
  if (round.mode === 'peers') {
    // A key that was rotated away still speaks for its server during the overlap.
    const { server } = await client.readContract({ address, abi: serverRegistryAbi, functionName: 'keyOf', args: [keyId] })
    const peer = round.attesters.find(({ number }) => number === server)
    if (peer) return peer
  }
  const who =
    round.mode === 'peers' ? 'a server that was active when the round began' : 'an attester that was appointed when the round began'
  throw new CliError(
    'auth',
    'not_attester',
    `The key ${keyId} attests nothing in round ${round.number}, it is not that of ${who}: check --attester-key.`,
  )
}

/** The steps that open a round. */
export function openRound(deployed: Deployed, account: PrivateKeyAccount, neighborhood: number): Step[] {
  return transactionSteps(deployed, account, {
    label: 'open a round',
    address: deployed.complianceRegistry,
    abi: complianceRegistryAbi,
    functionName: 'openRound',
    args: [neighborhood],
    done: () => undefined,
  })
}

/** Whether the operator of a server is the attester itself: nobody attests its own. */
export function isOwn(operator: Address, attester: { account: Address }): boolean {
  return operator !== zeroAddress && isAddressEqual(operator, attester.account)
}

function lower(hex: Hex): Hex {
  return `0x${hex.slice(2).toLowerCase()}`
}
