import { existsSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { join, parse, resolve } from 'node:path'
import { Flags } from '@oclif/core'
import { askText } from '../../ask.ts'
import { BaseCommand } from '../../base-command.ts'
import { CliError } from '../../errors.ts'
import { attesterFlags, chainFlags, discoveryFlags, neighborhoodFlags, walletFlags } from '../../flags.ts'
import { fields, table } from '../../output.ts'
import { connect, type Deployed } from '../../services/chain.ts'
import { type AttestOutcome, attestServers, type Refusal } from '../../services/compliance/attest.ts'
import { writeBallots } from '../../services/compliance/ballots.ts'
import { type Examined, examineServer, faultsOf, moveOf } from '../../services/compliance/examine.ts'
import { hasCode } from '../../services/files.ts'
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
    out: Flags.string({
      description: 'Where to write votes that are not enough yet, a new file or one of --votes [votes-NEIGHBORHOOD-ROUND.json]',
      helpValue: 'FILE',
    }),
    ...attesterFlags,
    ...neighborhoodFlags,
    ...walletFlags,
    ...discoveryFlags,
    ...chainFlags,
  }

  async run(): Promise<void> {
    const { out } = this.flags
    if (out !== undefined && !this.flags.votes?.includes(out) && existsSync(resolve(out)))
      throw new CliError('failure', 'file_exists', `${out} exists already: choose another --out.`)
    const key = await openAttesterKey(this.settings)
    const files = new Map(await Promise.all((this.flags.votes ?? []).map(async (file) => [file, await readVotes(file)] as const)))
    const deployed = await connect(this.settings)
    const { neighborhood, servers } = await this.#subjects(deployed, files)
    const examined = await examineAll(deployed, servers)
    const discovery = this.settings.urls('discovery')
    const wallet = () => walletOf(this.settings)
    const outcome = await attestServers(deployed, { neighborhood, examined, key, files, discovery, wallet })
    const file = await this.#write(outcome, files)
    this.#report(outcome, { file, examined })
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

  /** Never over votes that nobody would have then. */
  async #write({ poll, open, refused }: AttestOutcome, files: ReadonlyMap<string, string>): Promise<string | undefined> {
    if (open.length === 0) return undefined
    const { out } = this.flags
    const given = out === undefined ? undefined : files.get(out)
    const text = writeBallots(poll, open)
    if (
      out !== undefined &&
      given !== undefined &&
      !serversOf(new Map([[out, given]])).some((id) => refused.some(({ server }) => server === id))
    ) {
      await writeFile(resolve(out), text)
      return out
    }
    return writeNewFile(out ?? `votes-${poll.neighborhood}-${poll.round}.json`, text)
  }

  #report(
    { poll, round, refused, pending, ...outcome }: AttestOutcome,
    { file, examined }: { file: string | undefined; examined: Examined[] },
  ): void {
    const { threshold, closesAt } = round
    const { neighborhood } = poll
    const seen = new Map(examined.map((server) => [server.server, server]))
    const placeOf = (server: number) => {
      const { examination, movesFrom = null, missed = null } = seen.get(server) ?? {}
      return { endpoint: examination?.endpoint ?? '', movesFrom, missed }
    }
    const attested = outcome.attested.map((entry) => ({ ...entry, ...placeOf(entry.server) }))
    const voted = outcome.open.map(({ finding, votes }) => ({
      ...finding,
      ...placeOf(finding.server),
      votes: votes.map(({ attester }) => attester),
    }))
    const about = { neighborhood: String(neighborhood), round: poll.round, threshold, closesAt }
    const document = { ...about, attested, voted, votesFile: file ?? null, refused }
    this.output.result(document, () => {
      const row = (server: number, result: string) => {
        const examinedServer = seen.get(server)
        const move = examinedServer && moveOf(examinedServer)
        return [String(server), placeOf(server).endpoint, move === undefined ? result : `${result}; ${move}`]
      }
      const rows = [
        ...attested.map(({ server, validUntil }) => row(server, `attested until ${time(validUntil)}`)),
        ...voted.map(({ server, votes }) => row(server, `${votes.length} of ${threshold} votes, until ${time(closesAt)}`)),
        ...refused.map(({ server, reason }) => row(server, `not attested: ${reason}`)),
      ]
      const next = file === undefined ? '' : `\n\nGive ${file} to the other attesters: dred compliance attest --votes ${file}`
      return `${fields([['round', `${poll.round} of neighborhood ${neighborhood}`]])}\n\n${table(['SERVER', 'ENDPOINT', 'RESULT'], rows)}${next}`
    })
    if (pending) throw pending
    if (refused.length === 0) return
    throw noVote(refused)
  }
}

function noVote(refused: readonly Refusal[]): CliError {
  const [first, ...others] = refused
  if (first && others.length === 0) {
    const hint = first.code === 'not_compliant' ? `: see \`dred compliance check ${first.server}\`` : ''
    return new CliError('checkFailed', first.code, `Server ${first.server} got no vote (${first.reason})${hint}.`)
  }
  const ids = refused.map(({ server }) => server).join(', ')
  return new CliError('checkFailed', 'not_compliant', `Servers ${ids} got no vote: see what each line says.`)
}

/** Writes a file under its name, or with a number where there is one already. @returns its name */
async function writeNewFile(name: string, text: string): Promise<string> {
  const { dir, name: stem, ext } = parse(name)
  for (let number = 1; ; number += 1) {
    const file = number === 1 ? name : join(dir, `${stem}-${number}${ext}`)
    try {
      await writeFile(resolve(file), text, { flag: 'wx' })
      return file
    } catch (error) {
      if (!hasCode(error, 'EEXIST')) throw error
    }
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
