import { Args } from '@oclif/core'
import { askText } from '../../ask.ts'
import { BaseCommand } from '../../base-command.ts'
import { chainFlags, neighborhoodFlags } from '../../flags.ts'
import { fields, table } from '../../output.ts'
import { chainTime, connect } from '../../services/chain.ts'
import { readRound } from '../../services/compliance/round.ts'
import { type NeighborhoodView, type ServerView, unknownNeighborhood } from '../../services/discovery.ts'
import { neighborhoodsOnChain } from '../../services/neighborhoods-on-chain.ts'
import { serversOnChain } from '../../services/servers.ts'
import { parseId, remaining, time } from '../../units.ts'

type Round = Awaited<ReturnType<typeof readRound>>

export default class ComplianceStatus extends BaseCommand<typeof ComplianceStatus> {
  static override summary = 'Show the round, the attesters and how long each server is attested, from the chain'
  static override args = { neighborhood: Args.string({ description: 'Its id; the configured neighborhood by default' }) }
  static override flags = { ...neighborhoodFlags, ...chainFlags }

  async run(): Promise<void> {
    const given = this.args.neighborhood ?? this.settings.text('neighborhood')
    const id = parseId(await askText(given, { flag: 'neighborhood', what: 'the id of the neighborhood' }), 'The id of a neighborhood')
    const deployed = await connect(this.settings)
    const [[neighborhood], round, servers, now] = await Promise.all([
      neighborhoodsOnChain(deployed, id),
      readRound(deployed, id),
      serversOnChain(deployed, id),
      chainTime(deployed.client),
    ])
    if (!neighborhood) throw unknownNeighborhood(id)
    const members = servers.filter(({ status }) => ['pending', 'active', 'lapsed'].includes(status))
    const { activeServers, healthy, attestation, parameters } = neighborhood
    const document = {
      neighborhood: neighborhood.id,
      healthy,
      activeServers,
      redundancy: parameters.redundancy,
      attestation,
      round: round.number === 0 ? null : round,
      servers: members.map(({ id: server, status, endpoint, validUntil }) => ({ server, status, endpoint, validUntil })),
    }
    this.output.result(document, () => render({ neighborhood, round, members, now }))
  }
}

function render(view: { neighborhood: NeighborhoodView; round: Round; members: ServerView[]; now: number }): string {
  const { neighborhood, round, members, now } = view
  const { activeServers, parameters, attestation } = neighborhood
  const state = round.open ? `open until ${time(round.closesAt)}` : `closed since ${time(round.closesAt)}`
  const about = fields([
    ['neighborhood', neighborhood.id],
    ['healthy', `${neighborhood.healthy ? 'yes' : 'no'}: ${activeServers} active, ${parameters.redundancy} wanted`],
    ['attested by', attestation.mode],
    ['round', round.number === 0 ? 'none yet' : `${round.number}, ${state}`],
    ...(round.number === 0
      ? []
      : ([['votes needed', `${round.threshold} of ${round.eligible} ${round.mode} attesters`]] satisfies [string, string][])),
  ])
  const attesters = attestation.attesters.map(({ number, account, keyId }) => [String(number), account, keyId])
  const servers = members.map(({ id, status, validUntil, endpoint }) => [
    String(id),
    status,
    validUntil === null ? 'never' : `${time(validUntil)} (${validUntil < now ? 'over' : remaining(validUntil - now)})`,
    endpoint,
  ])
  return [
    about,
    attesters.length > 0 ? table(['ATTESTER', 'ACCOUNT', 'KEY'], attesters) : 'No attesters are appointed.',
    servers.length > 0 ? table(['SERVER', 'STATUS', 'ATTESTED UNTIL', 'ENDPOINT'], servers) : 'No server is registered.',
  ].join('\n\n')
}
