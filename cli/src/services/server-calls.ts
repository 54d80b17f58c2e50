import { neighborhoodRegistryAbi, serverRegistryAbi } from '@dred/contracts'
import { keyRotationStatement, signStatement } from '@dred/protocol/statements'
import type { Address } from 'viem'
import { CliError } from '../errors.ts'
import { time } from '../units.ts'
import { chainTime, type Deployed, tokenInfo, type TokenInfo } from './chain.ts'
import { STATEMENT_LIFETIME_SECONDS, type StatementKey } from './register.ts'
import { isSlashable, readServer } from './servers.ts'
import type { Call } from './transact.ts'

type ServerCall = Omit<Call, 'done'> & { path: string }

/** A call about one server, whose first argument is its id. */
export function serverCall(
  { serverRegistry: address }: Deployed,
  id: number,
  call: { label: string; functionName: string; args?: readonly unknown[] },
): ServerCall {
  const { label, functionName, args = [] } = call
  return { label, address, abi: serverRegistryAbi, functionName, args: [id, ...args], path: `/v1/servers/${id}` }
}

/**
 * The call that gives a server another key, signed by that key.
 * @param rotation.overlapSeconds how long the old key is still accepted; as long as the neighborhood allows by default
 * @throws CliError `unknown_server`
 */
export async function rotationCall(
  deployed: Deployed,
  id: number,
  rotation: { operator: Address; key: StatementKey; overlapSeconds: number | undefined },
): Promise<ServerCall> {
  const { client, neighborhoodRegistry, serverRegistry: address } = deployed
  const { neighborhood } = await readServer(deployed, id)
  const [now, { keyOverlapSeconds }] = await Promise.all([
    chainTime(client),
    client.readContract({
      address: neighborhoodRegistry,
      abi: neighborhoodRegistryAbi,
      functionName: 'parametersOf',
      args: [neighborhood],
    }),
  ])
  const { operator, key, overlapSeconds = keyOverlapSeconds } = rotation
  const { keyX, keyY } = key
  const deadline = BigInt(now + STATEMENT_LIFETIME_SECONDS)
  const signature = await signStatement(key, keyRotationStatement(deployed, { server: id, operator, keyX, keyY, deadline }))
  const args = [{ server: id, keyX, keyY, overlapSeconds, deadline, ...signature }]
  return { label: 'rotate key', address, abi: serverRegistryAbi, functionName: 'rotateKey', args, path: `/v1/servers/${id}` }
}

/** What the registry holds of a server's stake, in the token's smallest unit; times are Unix seconds. */
export interface StakeView {
  server: number
  status: number
  stake: bigint
  token: TokenInfo
  /** From when it can be withdrawn; null before an exit. */
  unlockAt: number | null
  /** Wait that an exit would begin; null once it has begun. */
  unbondingSeconds: number | null
  /** Share of it that a proven equivocation would cost; 0 once it has been slashed or withdrawn. */
  slashPercent: number
}

/** @throws CliError `unknown_server` */
export async function readStake(deployed: Deployed, id: number): Promise<StakeView> {
  const { client, neighborhoodRegistry: address } = deployed
  const { neighborhood, stake, status, unlockAt, slashPercent } = await readServer(deployed, id)
  const call = { address, abi: neighborhoodRegistryAbi, args: [neighborhood] } as const
  const [{ stakeToken }, [unbondingSeconds, atRisk]] = await Promise.all([
    client.readContract({ ...call, functionName: 'parametersOf' }),
    client.readContract({ ...call, functionName: 'exitTermsOf' }),
  ])
  const leaving = unlockAt !== 0
  return {
    server: id,
    status,
    stake,
    token: await tokenInfo(client, stakeToken),
    unlockAt: leaving ? unlockAt : null,
    unbondingSeconds: leaving ? null : unbondingSeconds,
    slashPercent: isSlashable({ status }) ? (leaving ? slashPercent : atRisk) : 0,
  }
}

/**
 * What withdrawing would refuse, said before a password is asked for.
 * @throws CliError `locked`
 */
export async function expectUnlocked({ client }: Deployed, { server, unlockAt }: StakeView): Promise<void> {
  if (unlockAt === null || (await chainTime(client)) >= unlockAt) return
  throw new CliError('reverted', 'locked', `The stake of server ${server} can be withdrawn from ${time(unlockAt)}: wait until then.`)
}
