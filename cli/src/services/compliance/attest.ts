import { complianceRegistryAbi, neighborhoodRegistryAbi, serverRegistryAbi } from '@dred/contracts'
import type { ServerKey } from '@dred/node'
import { type Address, BaseError, type PrivateKeyAccount } from 'viem'
import { CliError } from '../../errors.ts'
import { runSteps } from '../../steps.ts'
import { time } from '../../units.ts'
import { explainChainError } from '../chain-errors.ts'
import { chainTime, type Deployed, refusalAbi } from '../chain.ts'
import { readServer } from '../servers.ts'
import { runTransaction } from '../transact.ts'
import { type Ballot, castVote, type Finding, findingStruct, mergeBallots, type Poll, readBallots } from './ballots.ts'
import type { Examined } from './examine.ts'
import { attesterOf, isOwn, openRound, readRound, type Round } from './round.ts'
import { submitBallots, type Submission } from './submit.ts'

/** What an attester is asked to do. */
export interface AttestRequest {
  neighborhood: number
  examined: readonly Examined[]
  key: ServerKey
  /** Texts of the files with votes of other attesters, by name. */
  files: ReadonlyMap<string, string>
  discovery: readonly string[]
  /** Opened only when there is something to send. */
  wallet: () => Promise<PrivateKeyAccount>
}

/** Why a server got no vote of this attester. */
export interface Refusal {
  server: number
  code: string
  reason: string
}

export interface AttestOutcome {
  poll: Poll
  round: Round
  attested: Submission['attested']
  /** Ballots that need more votes. */
  open: Ballot[]
  refused: Refusal[]
  /** Set when discovery does not show it yet. */
  pending: CliError | undefined
}

/**
 * Votes for the servers that passed their examination, and sends what has votes enough. Opens a round when none is open.
 * @throws CliError `not_attester`, `round_closed`, `votes_invalid`, `votes_differ`; viem's errors
 */
export async function attestServers(deployed: Deployed, request: AttestRequest): Promise<AttestOutcome> {
  const { neighborhood, examined, key, files } = request
  const failed = examined.filter(({ examination }) => !examination.passed)
  const refused: Refusal[] = failed.map(({ server }) => ({ server, code: 'not_compliant', reason: 'it fails its examination' }))
  const clock = await readClock(deployed, neighborhood)
  const passed: Examined[] = []
  // Before a round is opened for what the registry would refuse.
  for (const server of examined.filter(({ examination }) => examination.passed)) {
    const reason = notNewer(server, findingOf(server, clock).validUntil)
    if (reason) refused.push({ server: server.server, ...reason, reason: `${reason.reason}, as long as it can be now: renew it later` })
    else passed.push(server)
  }
  const round = await roundFor(deployed, request, { needed: passed.length > 0 })
  const poll = pollOf(deployed, neighborhood, round)
  if (passed.length === 0) return { poll, round, attested: [], open: [], refused, pending: undefined }
  const attester = await attesterOf(deployed, round, key.keyId)
  const given = mergeBallots(await Promise.all([...files].map(([file, text]) => readBallots(text, file, poll))))
  const ballots: Ballot[] = []
  for (const server of passed) {
    const before = given.get(server.server)
    const own = findingOf(server, clock)
    const reason = objection({ server, own, given: before?.finding, attester, now: clock.now })
    if (reason) refused.push({ server: server.server, ...reason })
    else ballots.push(await castVote(poll, before ?? { finding: own, votes: [] }, { key, attester: attester.number }))
  }

  const enough = ballots.filter(({ votes }) => votes.length >= round.threshold)
  const ready = await withoutRefused(deployed, poll, { ballots: enough, refused })
  const open = ballots.filter(({ votes }) => votes.length < round.threshold)
  const nothing = { poll, round, attested: [], open, refused, pending: undefined }
  if (ready.length === 0) return nothing
  const { steps, result } = submitBallots(deployed, await request.wallet(), { poll, ballots: ready, discovery: request.discovery })
  const pending = await runTransaction(steps)
  return { ...nothing, attested: result().attested, pending }
}

export function pollOf({ chainId, complianceRegistry }: Deployed, neighborhood: number, round: Round): Poll {
  return { chainId, complianceRegistry, neighborhood, round: round.number }
}

/** The chain's time, and until when an attestation of now may hold at most, in Unix seconds. */
export async function readClock(
  { client, neighborhoodRegistry: address }: Deployed,
  neighborhood: number,
): Promise<{ now: number; latest: number }> {
  const [now, { attestationSeconds }] = await Promise.all([
    chainTime(client),
    client.readContract({ address, abi: neighborhoodRegistryAbi, functionName: 'parametersOf', args: [neighborhood] }),
  ])
  return { now, latest: now + attestationSeconds }
}

/** What an attester finds of a server that passed: it holds as long as the neighborhood and the certificate allow. */
export function findingOf({ server, examination }: Examined, { latest }: { latest: number }): Finding {
  const { endpoint, spkiHash, reportHash, certificateUntil } = examination
  return { server, endpoint, spkiHash, validUntil: Math.min(latest, certificateUntil ?? latest), reportHash }
}

/** Why this attester does not vote for a server, if so. */
function objection(vote: {
  server: Examined
  own: Finding
  given: Finding | undefined
  attester: { account: Address }
  now: number
}): Omit<Refusal, 'server'> | undefined {
  const { server, own, given, attester, now } = vote
  if (isOwn(server.operator, attester)) return { code: 'own_server', reason: 'nobody attests a server of its own' }
  const differs = given && disagreement(given, own, now)
  if (differs) return { code: 'finding_differs', reason: differs }
  const stale = given && notNewer(server, given.validUntil)
  return stale && { ...stale, reason: `${stale.reason}, and these votes end at ${time(given.validUntil)}: begin again without them` }
}

/** What the registry would refuse: an attestation that ends no later than the present one of the same endpoint. */
export function notNewer({ attestedUntil }: Pick<Examined, 'attestedUntil'>, validUntil: number): Omit<Refusal, 'server'> | undefined {
  if (validUntil > attestedUntil) return undefined
  return { code: 'not_newer', reason: `it is attested until ${time(attestedUntil)} already` }
}

/** What in a finding of others is not what was seen here. An earlier end is no difference: they looked earlier. */
export function disagreement(given: Finding, own: Finding, now: number): string | undefined {
  if (given.endpoint !== own.endpoint) return `the votes are for ${given.endpoint}, it was examined at ${own.endpoint}`
  if (given.spkiHash !== own.spkiHash) return `the votes name the certificate key ${given.spkiHash}, here it presented ${own.spkiHash}`
  if (given.reportHash !== own.reportHash) return 'the votes are of another report than the one made here'
  if (given.validUntil > own.validUntil) return `the votes hold until ${time(given.validUntil)}, longer than ${time(own.validUntil)}`
  if (given.validUntil <= now) return `the votes held only until ${time(given.validUntil)}`
  return undefined
}

async function roundFor(deployed: Deployed, request: AttestRequest, { needed }: { needed: boolean }): Promise<Round> {
  const { neighborhood, key, files } = request
  const round = await readRound(deployed, neighborhood)
  if (round.open) return round
  if (files.size > 0) {
    throw new CliError(
      'checkFailed',
      'round_closed',
      `Round ${round.number} is closed, and votes count in their round only: begin again without --votes.`,
    )
  }
  await expectAttester(deployed, neighborhood, key)
  if (!needed) return round
  try {
    await runSteps(openRound(deployed, await request.wallet(), neighborhood))
  } catch (error) {
    // Another attester was faster: its round is as good.
    if (explainChainError(error, deployed.rpcUrl)?.code !== 'round_open') throw error
  }
  return readRound(deployed, neighborhood)
}

/** Before a round is opened for it: whether the key could be an attester of the next one. */
async function expectAttester({ client, ...deployed }: Deployed, neighborhood: number, { keyId }: ServerKey): Promise<void> {
  const attesters = { address: deployed.neighborhoodRegistry, abi: neighborhoodRegistryAbi, functionName: 'attestersOf' } as const
  const owner = { address: deployed.serverRegistry, abi: serverRegistryAbi, functionName: 'keyOf' } as const
  const [[, appointed], { server }] = await Promise.all([
    client.readContract({ ...attesters, args: [neighborhood] }),
    client.readContract({ ...owner, args: [keyId] }),
  ])
  if (appointed.some((attester) => attester.keyId.toLowerCase() === keyId)) return
  if (server !== 0 && (await readServer({ client, ...deployed }, server)).neighborhood === neighborhood) return
  throw new CliError(
    'auth',
    'not_attester',
    `The key ${keyId} is no attester of neighborhood ${neighborhood}: check --attester-key, or have its owner appoint it.`,
  )
}

/** One server that the registry would refuse must not hold up the others of the transaction. */
async function withoutRefused(
  { client, complianceRegistry: address, rpcUrl }: Deployed,
  poll: Poll,
  { ballots, refused }: { ballots: Ballot[]; refused: Refusal[] },
): Promise<Ballot[]> {
  if (ballots.length < 2) return ballots
  const abi = [...complianceRegistryAbi.filter((item) => item.type !== 'error'), ...refusalAbi]
  const accepted = await Promise.all(
    ballots.map(async ({ finding, votes }) => {
      try {
        await client.simulateContract({ address, abi, functionName: 'attest', args: [findingStruct(poll, finding), votes] })
        return true
      } catch (error) {
        const why = error instanceof BaseError ? explainChainError(error, rpcUrl) : undefined
        if (why?.reason !== 'reverted') throw error
        refused.push({ server: finding.server, code: why.code, reason: why.message.replace(/\.$/, '') })
        return false
      }
    }),
  )
  return ballots.filter((_, index) => accepted[index])
}
