import { attestationStatement, endpointHash, signStatement, verifyStatement } from '@dred/protocol/statements'
import { type Hex, isHex, size } from 'viem'
import { CliError } from '../../errors.ts'
import type { StatementKey } from '../register.ts'

/** What attesters say of one server in a round. */
export interface Finding {
  server: number
  endpoint: string
  spkiHash: Hex
  /** Unix seconds. */
  validUntil: number
  reportHash: Hex
}

/** One attester's signature of a finding, as the compliance registry takes it. */
export interface Vote {
  attester: number
  keyX: Hex
  keyY: Hex
  r: Hex
  s: Hex
}

export interface Ballot {
  finding: Finding
  /** In ascending order of their attesters. */
  votes: Vote[]
}

/** Which round of which registry ballots are for. */
export interface Poll {
  chainId: number
  complianceRegistry: Hex
  neighborhood: number
  round: number
}

/** The ballot with one vote more. */
export async function castVote(poll: Poll, ballot: Ballot, { key, attester }: { key: StatementKey; attester: number }): Promise<Ballot> {
  const { keyX, keyY } = key
  const vote = { attester, keyX, keyY, ...(await signStatement(key, statementOf(poll, ballot.finding, attester))) }
  return addVotes(ballot, [vote])
}

/** The same vote twice is one; votes come in the order that the registry asks for. */
export function addVotes({ finding, votes }: Ballot, more: readonly Vote[]): Ballot {
  const byAttester = new Map([...votes, ...more].map((vote) => [vote.attester, vote]))
  return { finding, votes: [...byAttester.values()].sort((a, b) => a.attester - b.attester) }
}

function statementOf(poll: Poll, finding: Finding, attester: number): Uint8Array<ArrayBuffer> {
  const { neighborhood, round } = poll
  return attestationStatement(poll, { ...finding, neighborhood, round, attester })
}

/** A finding as the compliance registry takes it. */
export function findingStruct({ neighborhood, round }: Poll, { endpoint, ...finding }: Finding) {
  return { ...finding, neighborhood, round, endpointHash: endpointHash(endpoint) }
}

/** The text of a file with ballots for other attesters. */
export function writeBallots(poll: Poll, ballots: readonly Ballot[]): string {
  const entries = ballots.map(({ finding, votes }) => ({ ...finding, votes }))
  return `${JSON.stringify({ v: 1, ...poll, ballots: entries }, null, 2)}\n`
}

/**
 * The ballots of a file that {@link writeBallots} made.
 * @param file its name, for errors
 * @throws CliError `votes_invalid` when it is no such file, is of another registry, neighborhood or round, or a signature in it is
 *   not good
 */
export async function readBallots(text: string, file: string, poll: Poll): Promise<Ballot[]> {
  const invalid = (why: string) => new CliError('checkFailed', 'votes_invalid', `${file} cannot be used (${why}): ask for another.`)
  let document: unknown
  try {
    document = JSON.parse(text)
  } catch {
    throw invalid('it is not JSON')
  }
  if (!isRecord(document) || document['v'] !== 1 || !Array.isArray(document['ballots'])) throw invalid('it is no file of votes')
  for (const name of ['chainId', 'complianceRegistry', 'neighborhood', 'round'] as const) {
    const said = String(document[name]).toLowerCase()
    if (said !== String(poll[name]).toLowerCase()) throw invalid(`its ${name} is ${said}, not ${poll[name]}`)
  }
  const ballots = document['ballots'].map(ballotOf)
  return Promise.all(
    ballots.map(async (ballot) => {
      if (!ballot) throw invalid('a ballot in it is not complete')
      for (const vote of ballot.votes) {
        const good = await verifyStatement(vote, statementOf(poll, ballot.finding, vote.attester), vote)
        if (!good) throw invalid(`attester ${vote.attester} did not sign what it says of server ${ballot.finding.server}`)
      }
      return ballot
    }),
  )
}

function ballotOf(value: unknown): Ballot | undefined {
  if (!isRecord(value) || !Array.isArray(value['votes'])) return undefined
  const { server, endpoint, spkiHash, validUntil, reportHash } = value
  if (!isId(server) || typeof endpoint !== 'string' || !isWord(spkiHash) || !isId(validUntil) || !isWord(reportHash)) return undefined
  const votes = value['votes'].map(voteOf)
  if (votes.length === 0 || !votes.every((vote) => vote !== undefined)) return undefined
  return addVotes({ finding: { server, endpoint, spkiHash, validUntil, reportHash }, votes: [] }, votes)
}

function voteOf(value: unknown): Vote | undefined {
  if (!isRecord(value)) return undefined
  const { attester, keyX, keyY, r, s } = value
  return isId(attester) && isWord(keyX) && isWord(keyY) && isWord(r) && isWord(s) ? { attester, keyX, keyY, r, s } : undefined
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isId(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value > 0
}

function isWord(value: unknown): value is Hex {
  return isHex(value) && size(value) === 32
}

/** Puts the ballots of several files together. @throws CliError `votes_differ` when they do not find the same of a server */
export function mergeBallots(lists: readonly Ballot[][]): Map<number, Ballot> {
  const merged = new Map<number, Ballot>()
  for (const ballot of lists.flat()) {
    const { server } = ballot.finding
    const before = merged.get(server)
    if (before && !sameFinding(before.finding, ballot.finding))
      throw new CliError(
        'checkFailed',
        'votes_differ',
        `The votes about server ${server} are of different findings: begin again from one of the files.`,
      )
    merged.set(server, before ? addVotes(before, ballot.votes) : ballot)
  }
  return merged
}

function sameFinding(a: Finding, b: Finding): boolean {
  return (['endpoint', 'spkiHash', 'validUntil', 'reportHash'] as const).every((name) => a[name] === b[name])
}
