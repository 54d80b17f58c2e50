import { Args } from '@oclif/core'
import { isAddress } from 'viem'
import { askText } from '../../ask.ts'
import { BaseCommand } from '../../base-command.ts'
import { chainFlags, discoveryFlags, neighborhoodFlags } from '../../flags.ts'
import { fields, table } from '../../output.ts'
import { connect, tokenInfo } from '../../services/chain.ts'
import {
  listServers,
  type NeighborhoodView,
  type ParametersView,
  type ServerView,
  showNeighborhood,
  unknownNeighborhood,
} from '../../services/discovery.ts'
import { neighborhoodsOnChain } from '../../services/neighborhoods-on-chain.ts'
import { serversOnChain } from '../../services/servers.ts'
import { count, duration, formatAmount, parseId, time } from '../../units.ts'

export default class NeighborhoodShow extends BaseCommand<typeof NeighborhoodShow> {
  static override summary = 'Show a neighborhood and its servers, from discovery when it is set, else from the chain'
  static override args = { id: Args.string({ description: 'Its id; the configured neighborhood by default' }) }
  static override flags = { ...neighborhoodFlags, ...discoveryFlags, ...chainFlags }

  async run(): Promise<void> {
    const given = this.args.id ?? this.settings.text('neighborhood')
    const id = parseId(await askText(given, { flag: 'neighborhood', what: 'the id of the neighborhood' }), 'The id of a neighborhood')
    const discovery = this.settings.urls('discovery')
    const [neighborhood, servers] = discovery.length > 0 ? await this.#fromDiscovery(discovery, id) : await this.#fromChain(id)
    if (!neighborhood) {
      throw unknownNeighborhood(id)
    }
    const amount = this.output.json ? String : await this.#amounts(neighborhood.parameters.stakeToken)
    this.output.result({ neighborhood, servers }, () => render(neighborhood, servers, amount))
  }

  async #fromDiscovery(urls: string[], id: number): Promise<[NeighborhoodView | undefined, ServerView[]]> {
    const neighborhood = await showNeighborhood(urls, id)
    return [neighborhood, neighborhood ? await listServers(urls, id) : []]
  }

  /** How to show amounts of a token: as the chain names and divides it, where it can be asked. */
  async #amounts(token: string): Promise<(amount: string) => string> {
    const smallestUnit = (amount: string) => `${amount} (smallest unit)`
    if (this.settings.text('chain.rpcUrl') === undefined || !isAddress(token)) return smallestUnit
    try {
      const info = await tokenInfo((await connect(this.settings)).client, token)
      return (amount) => formatAmount(BigInt(amount), info)
    } catch {
      // What discovery said is worth showing without the chain.
      return smallestUnit
    }
  }

  async #fromChain(id: number): Promise<[NeighborhoodView | undefined, ServerView[]]> {
    const deployed = await connect(this.settings)
    const [[neighborhood], servers] = await Promise.all([neighborhoodsOnChain(deployed, id), serversOnChain(deployed, id)])
    return [neighborhood, servers]
  }
}

type Amount = (smallest: string) => string

function render(neighborhood: NeighborhoodView, servers: ServerView[], amount: Amount): string {
  const { parameters, attestation } = neighborhood
  const about = fields([
    ['neighborhood', neighborhood.id],
    ['name', neighborhood.name],
    ['uri', neighborhood.uri],
    ['owner', neighborhood.owner],
    ['state', neighborhood.healthy ? 'healthy' : `wants ${count(parameters.redundancy, 'server')}, has ${neighborhood.activeServers}`],
    ['registrations', registrations(neighborhood)],
    ['attested by', attestation.mode === 'peers' ? 'its servers, while there are four operators' : attesters(neighborhood)],
    ['stake token', parameters.stakeToken],
    ...parameterFields(parameters, amount),
    ...stagedFields(neighborhood, amount),
  ])
  if (servers.length === 0) return `${about}\n\nNo server is registered yet.`
  const rows = servers.map((server) => [
    String(server.id),
    server.status,
    server.validUntil === null ? '' : time(server.validUntil),
    server.proposedEndpoint === null ? server.endpoint : `${server.endpoint} → ${server.proposedEndpoint}`,
    amount(server.stake),
    server.operator,
  ])
  return `${about}\n\n${table(['SERVER', 'STATUS', 'ATTESTED UNTIL', 'ENDPOINT', 'STAKE', 'OPERATOR'], rows)}`
}

function parameterFields(parameters: ParametersView, amount: Amount): [string, string][] {
  return [
    ['least stake', amount(parameters.minStake)],
    ['unbonding', duration(parameters.unbondingSeconds)],
    ['key overlap', duration(parameters.keyOverlapSeconds)],
    ['attestations hold', duration(parameters.attestationSeconds)],
    ['quorum', `${parameters.quorumNumerator}/${parameters.quorumDenominator} of the attesters`],
    ['slash', `${parameters.slashPercent} %`],
    ['servers', `${parameters.redundancy} wanted, ${parameters.maxServers} at most`],
  ]
}

/** What will change, with the old values left out. */
function stagedFields({ parameters, staged }: NeighborhoodView, amount: Amount): [string, string][] {
  if (!staged) return []
  const present = new Map(parameterFields(parameters, amount))
  const changed = parameterFields(staged.parameters, amount).filter(([name, value]) => present.get(name) !== value)
  const what = changed.map(([name, value]) => `${name} ${value}`).join(', ') || 'bounds of channels'
  return [['announced', `${what}, from ${time(staged.effectiveAt)}`]]
}

function registrations({ admission, registrationsPaused }: NeighborhoodView): string {
  if (registrationsPaused) return 'paused'
  if (admission.mode === 'token_gate') return `for holders of ${admission.gateBalance} of ${admission.gateToken}`
  return admission.mode === 'allowlist' ? 'for operators on its list' : 'open to all'
}

function attesters({ attestation }: NeighborhoodView): string {
  if (attestation.attesters.length === 0) return 'nobody yet: its owner has to appoint attesters'
  return attestation.attesters.map(({ account, keyId }) => `${account} (key ${keyId})`).join(', ')
}
