import { type Context, ponder } from 'ponder:registry'
import { attestation, attester, neighborhood, round, server } from 'ponder:schema'
import { account, attestationModeName } from './details.ts'
import { attestedEndpoint, indexed } from './lookup.ts'
import { originOf, recordNeighborhood } from './record.ts'

ponder.on('ComplianceRegistry:RoundOpened', async ({ event, context }) => {
  const { neighborhood: id, round: number, eligible, threshold, peers, closesAt } = event.args
  const mode = attestationModeName(event.args.mode)
  const details = {
    number,
    mode,
    eligible,
    threshold,
    attesterSet: mode === 'peers' ? null : event.args.attesterSet,
    peers,
    opensAt: Number(event.block.timestamp),
    closesAt,
  }
  await context.db.insert(round).values({ neighborhood: id, ...details })
  await context.db.update(neighborhood, { id }).set({ latestRound: number })
  await recordNeighborhood(context, event, { neighborhood: id, kind: 'round_opened', details })
})

ponder.on('ComplianceRegistry:Attested', async ({ event, context }) => {
  const { server: id, neighborhood: neighborhoodId, round: number, endpointHash } = event.args
  // The event comes before the one of the server registry, which moves the server to its proposed endpoint.
  const subject = indexed(await context.db.find(server, { id }), `server ${id}`)
  const opened = indexed(await context.db.find(round, { neighborhood: neighborhoodId, number }), `round ${number}`)
  const attesters = []
  for (const voter of event.args.attesters) attesters.push({ number: voter, account: account(await accountOf(context, opened, voter)) })
  await context.db.insert(attestation).values({
    ...originOf(event),
    ...event.args,
    mode: opened.mode,
    endpoint: attestedEndpoint(subject, endpointHash).endpoint,
    attesters,
  })
})

/** For whom an attester votes: the appointed account, or the operator of the server. */
async function accountOf(context: Context, opened: typeof round.$inferSelect, number: number) {
  if (opened.attesterSet === null) return indexed(await context.db.find(server, { id: number }), `server ${number}`).operator
  const key = { neighborhood: opened.neighborhood, version: opened.attesterSet, number }
  return indexed(await context.db.find(attester, key), `attester ${number} of set ${key.version}`).account
}
