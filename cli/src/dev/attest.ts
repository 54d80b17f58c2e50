import type { PrivateKeyAccount } from 'viem'
import { CliError } from '../errors.ts'
import type { Deployed } from '../services/chain.ts'
import { findingOf, pollOf, readClock } from '../services/compliance/attest.ts'
import { castVote } from '../services/compliance/ballots.ts'
import { type Examined, examineServer, faultsOf } from '../services/compliance/examine.ts'
import { openRound, readRound } from '../services/compliance/round.ts'
import { submitBallots } from '../services/compliance/submit.ts'
import type { DevKeys } from './keys.ts'

/** The one appointed attester of the network's neighborhood. */
const ATTESTER = 1

/** Opens the round in which the network's servers are attested. */
export async function openDevRound(deployed: Deployed, owner: PrivateKeyAccount, neighborhood: string): Promise<void> {
  for (const step of openRound(deployed, owner, Number(neighborhood))) await step.run()
}

/**
 * Examines the network's servers as an attester does, and attests all of them in one transaction.
 * @returns what to say of it
 * @throws CliError `not_compliant`
 */
export async function attestDevServers(
  deployed: Deployed,
  keys: DevKeys,
  network: { neighborhood: string; servers: readonly number[] },
): Promise<string> {
  const neighborhood = Number(network.neighborhood)
  const [round, clock, ...examined] = await Promise.all([
    readRound(deployed, neighborhood),
    readClock(deployed, neighborhood),
    ...network.servers.map((id) => examineServer(deployed, id)),
  ])
  for (const server of examined) refuseFailed(server)
  const poll = pollOf(deployed, neighborhood, round)
  const cast = examined.map((server) =>
    castVote(poll, { finding: findingOf(server, clock), votes: [] }, { key: keys.attester, attester: ATTESTER }),
  )
  const { steps } = submitBallots(deployed, keys.owner, { poll, ballots: await Promise.all(cast), discovery: [] })
  for (const step of steps) await step.run()
  return `${examined.length} passed ${examined[0]?.examination.checks.length ?? 0} checks each`
}

function refuseFailed({ server, examination }: Examined): void {
  if (examination.passed) return
  throw new CliError('checkFailed', 'not_compliant', `Server ${server} fails its examination (${faultsOf(examination).join('; ')}).`)
}
