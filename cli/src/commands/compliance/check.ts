import { Args, Flags } from '@oclif/core'
import { askText } from '../../ask.ts'
import { BaseCommand } from '../../base-command.ts'
import { CliError } from '../../errors.ts'
import { chainFlags } from '../../flags.ts'
import { fields, table } from '../../output.ts'
import { connect } from '../../services/chain.ts'
import { type Examined, examineServer, moveOf } from '../../services/compliance/examine.ts'
import { parseId, time } from '../../units.ts'

export default class ComplianceCheck extends BaseCommand<typeof ComplianceCheck> {
  static override summary = 'Examine a server as an attester does, from outside'
  static override description =
    `The endpoint's TLS certificate, a fresh challenge for the server key, and how the server keeps to the protocol. Nothing is signed.
The report of a server that passes is the same for everybody who makes it; attesters sign its hash. Exit code 6 when a check fails.`
  static override args = { server: Args.string({ description: 'Id of the server' }) }
  static override flags = { server: Flags.string({ description: 'Id of the server' }), ...chainFlags }

  async run(): Promise<void> {
    const given = await askText(this.args.server ?? this.flags.server, { flag: 'server', what: 'the id of the server' })
    const id = parseId(given, 'The id of a server')
    const examined = await examineServer(await connect(this.settings), id)
    const { examination, movesFrom = null, missed = null } = examined
    const { passed, endpoint, checks, spkiHash, certificateUntil, report, reportHash } = examination
    const certificate = { spkiHash, certificateUntil: certificateUntil ?? null }
    const document = { server: id, passed, endpoint, movesFrom, missed, ...certificate, checks, report, reportHash }
    this.output.result(document, () => render(examined))
    if (passed) return
    const failed = checks.filter((check) => !check.passed).length
    throw new CliError(
      'checkFailed',
      'not_compliant',
      `Server ${id} fails ${failed} of ${checks.length} checks: its operator has to see to it.`,
    )
  }
}

function render({ server, examination, ...moving }: Examined): string {
  const { endpoint, checks, spkiHash, certificateUntil, reportHash } = examination
  const move = moveOf(moving)
  const about = fields([
    ['server', String(server)],
    ['endpoint', endpoint],
    ...(move === undefined ? [] : ([['move', move]] satisfies [string, string][])),
    ...(certificateUntil === undefined ? [] : ([['certificate until', time(certificateUntil)]] satisfies [string, string][])),
    ...(certificateUntil === undefined ? [] : ([['certificate key', spkiHash]] satisfies [string, string][])),
    ['report', reportHash],
  ])
  return `${about}\n\n${table(
    ['CHECK', 'RESULT'],
    checks.map(({ name, passed, detail }) => [name, passed ? ['passed', detail].filter(Boolean).join(': ') : (detail ?? 'failed')]),
  )}`
}
