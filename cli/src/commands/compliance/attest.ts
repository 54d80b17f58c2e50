import { readFile, writeFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { Flags } from '@oclif/core'
import { askText } from '../../ask.ts'
import { BaseCommand } from '../../base-command.ts'
import { CliError } from '../../errors.ts'
import { attesterFlags, chainFlags, discoveryFlags, neighborhoodFlags, walletFlags } from '../../flags.ts'
import { fields, table } from '../../output.ts'
import { connect, type Deployed } from '../../services/chain.ts'
import { type AttestOutcome, attestServers } from '../../services/compliance/attest.ts'
import { writeBallots } from '../../services/compliance/ballots.ts'
import { type Examined, examineServer, faultsOf } from '../../services/compliance/examine.ts'
import { walletOf } from '../../services/keystore.ts'
import { openAttesterKey } from '../../services/server-key.ts'
import { isMember, readServer, readServers } from '../../services/servers.ts'
import { runSteps } from '../../steps.ts'
import { parseId, time } from '../../units.ts'

export default class ComplianceAttest extends BaseCommand<typeof ComplianceAttest> {
  static override summary = 'Examine servers and vote for those that pass'
  static override description =
    `Opens a round when none is open, signs with the attester key and sends the attestation when there are votes enough, its own and those
of --votes. What lacks votes is written to a file for the other attesters: each gives the files it has as --votes and passes on its own.
The wallet only pays: it need not be the attester's.`
  static override examples = [
    '<%= config.bin %> compliance attest 4',
    '<%= config.bin %> compliance attest --all --attester-key attester.pem',
    '<%= config.bin %> compliance attest --votes first.json --out second.json',
  ]
  static override strict = false
  static override usage = 'compliance attest [SERVER...] [--all] [--votes FILE...] [--out FILE]'
  static override flags = {
    all: Flags.boolean({ description: 'Every pending and active server of the neighborhood' }),
    votes: Flags.string({
      description: 'A file with votes of other attesters; give it once for each',
      helpValue: 'FILE',
      multiple: true,
      multipleNonGreedy: true,
    }),
    out: Flags.string({ description: 'Where to write votes that are not enough yet [votes-NEIGHBORHOOD-ROUND.json]', helpValue: 'FILE' }),
    ...attesterFlags,
    ...neighborhoodFlags,
    ...walletFlags,
    ...discoveryFlags,
    ...chainFlags,
  }

  async run(): Promise<void> {
    const key = await openAttesterKey(this.settings)
    const files = new Map(await Promise.all((this.flags.votes ?? []).map(async (file) => [file, await readVotes(file)] as const)))
    const deployed = await connect(this.settings)
    const { neighborhood, servers } = await this.#subjects(deployed, files)
    const examined = await examineAll(deployed, servers)
    const discovery = this.settings.urls('discovery')
    const wallet = () => walletOf(this.settings)
    const outcome = await attestServers(deployed, { neighborhood, examined, key, files, discovery, wallet })
    const file = await this.#write(outcome)
    this.#report(outcome, file)
  }

  /** The servers to examine, all of one neighborhood: rounds are a neighborhood's. */
  async #subjects(deployed: Deployed, files: ReadonlyMap<string, string>): Promise<{ neighborhood: number; servers: number[] }> {
    const given = this.operands.map((text) => parseId(text, 'The id of a server'))
    if (this.flags.all) {
      const setting = await askText(this.settings.text('neighborhood'), { flag: 'neighborhood', what: 'the id of the neighborhood' })
      const neighborhood = parseId(setting, 'The id of a neighborhood')
      const members = [...(await readServers(deployed, neighborhood))].filter(([, server]) => isMember(server))
      return { neighborhood, servers: members.map(([id]) => id) }
    }
    const ids = given.length > 0 ? given : serversOf(files)
    if (ids.length === 0) throw new CliError('usage', 'missing_value', 'Say which servers: give their ids, --all or --votes.')
    const servers = [...new Set(ids)]
    const neighborhoods = new Set((await Promise.all(servers.map((id) => readServer(deployed, id)))).map((server) => server.neighborhood))
    const [neighborhood = 0, ...others] = neighborhoods
    if (others.length > 0)
      throw new CliError('usage', 'invalid_value', 'These servers are of several neighborhoods: attest one after the other.')
    return { neighborhood, servers }
  }

  async #write({ poll, open }: AttestOutcome): Promise<string | undefined> {
    if (open.length === 0) return undefined
    const file = this.flags.out ?? `votes-${poll.neighborhood}-${poll.round}.json`
    await writeFile(resolve(file), writeBallots(poll, open))
    return file
  }

  #report({ poll, round, attested, open, refused, pending }: AttestOutcome, file: string | undefined): void {
    const { threshold, closesAt } = round
    const voted = open.map(({ finding, votes }) => ({ ...finding, votes: votes.map(({ attester }) => attester) }))
    const { neighborhood } = poll
    const document = { neighborhood, round: poll.round, threshold, closesAt, attested, voted, votesFile: file ?? null, refused }
    this.output.result(document, () => {
      const rows = [
        ...attested.map(({ server, validUntil }) => [String(server), `attested until ${time(validUntil)}`]),
        ...voted.map(({ server, votes }) => [String(server), `${votes.length} of ${threshold} votes, until ${time(closesAt)}`]),
        ...refused.map(({ server, reason }) => [String(server), `not attested: ${reason}`]),
      ]
      const next = file === undefined ? '' : `\n\nGive ${file} to the other attesters: dred compliance attest --votes ${file}`
      return `${fields([['round', `${poll.round} of neighborhood ${neighborhood}`]])}\n\n${table(['SERVER', 'RESULT'], rows)}${next}`
    })
    if (pending) throw pending
    if (refused.length === 0) return
    const [ids, first] = [refused.map(({ server }) => server).join(', '), refused[0]]
    const what = refused.length === 1 ? `Server ${ids} got no vote (${first?.reason})` : `Servers ${ids} got no vote`
    throw new CliError(
      'checkFailed',
      refused.length === 1 ? (first?.code ?? 'not_compliant') : 'not_compliant',
      `${what}: see \`dred compliance check\`.`,
    )
  }
}

async function readVotes(file: string): Promise<string> {
  try {
    return await readFile(resolve(file), 'utf8')
  } catch (cause) {
    throw new CliError('usage', 'votes_invalid', { message: `${file} cannot be read: check --votes.`, cause })
  }
}

/** Of files that may be of any kind: they are judged once the round is known. */
function serversOf(files: ReadonlyMap<string, string>): number[] {
  return [...files.values()].flatMap((text) => {
    try {
      const { ballots } = JSON.parse(text) as { ballots: { server: number }[] }
      return ballots.map(({ server }) => parseId(String(server), 'The id of a server'))
    } catch {
      throw new CliError('checkFailed', 'votes_invalid', 'What --votes names is no file of votes: ask for another.')
    }
  })
}

async function examineAll(deployed: Deployed, servers: readonly number[]): Promise<Examined[]> {
  const examined: Examined[] = []
  const examine = async (id: number) => {
    const result = await examineServer(deployed, id)
    examined.push(result)
    return result.examination.passed ? 'passed' : `fails (${faultsOf(result.examination).join('; ')})`
  }
  await runSteps(
    servers.map((id) => ({ title: `examine server ${id}`, run: () => examine(id) })),
    { concurrent: true },
  )
  return examined.sort((a, b) => a.server - b.server)
}
