import { ponder } from 'ponder:registry'
import { allowedOperator, attester, neighborhood, registry } from 'ponder:schema'
import {
  account,
  accountOrNull,
  admissionModeName,
  lower,
  type NeighborhoodChangeDetails,
  parameterColumns,
  parametersJson,
} from './details.ts'
import { recordNeighborhood } from './record.ts'

ponder.on('NeighborhoodRegistry:NeighborhoodCreated', async ({ event, context }) => {
  const { id, owner, name, uri, contentHash, parameters } = event.args
  const columns = parameterColumns(parameters)
  await context.db.insert(neighborhood).values({
    id,
    owner,
    name,
    uri,
    contentHash,
    createdAtBlock: Number(event.block.number),
    ...columns,
    // What differs from this follows in events of its own.
    admission: 'open',
    paused: false,
    attesterSet: 0,
    latestRound: 0,
    seatsTaken: 0,
  })
  const details = { owner: account(owner), name, uri, contentHash, parameters: parametersJson(columns) }
  await recordNeighborhood(context, event, { neighborhood: id, kind: 'created', details })
})

ponder.on('NeighborhoodRegistry:MetadataUpdated', async ({ event, context }) => {
  const { id, name, uri, contentHash } = event.args
  await context.db.update(neighborhood, { id }).set({ name, uri, contentHash })
  await recordNeighborhood(context, event, { neighborhood: id, kind: 'metadata_updated', details: { name, uri, contentHash } })
})

ponder.on('NeighborhoodRegistry:OwnershipTransferStarted', async ({ event, context }) => {
  const { id } = event.args
  const newOwner = accountOrNull(event.args.newOwner)
  await context.db.update(neighborhood, { id }).set({ pendingOwner: newOwner })
  await recordNeighborhood(context, event, { neighborhood: id, kind: 'ownership_offered', details: { newOwner } })
})

ponder.on('NeighborhoodRegistry:OwnershipTransferred', async ({ event, context }) => {
  const { id, previousOwner, newOwner } = event.args
  await context.db.update(neighborhood, { id }).set({ owner: newOwner, pendingOwner: null })
  const details = { previousOwner: account(previousOwner), newOwner: account(newOwner) }
  await recordNeighborhood(context, event, { neighborhood: id, kind: 'ownership_transferred', details })
})

ponder.on('NeighborhoodRegistry:ParametersStaged', async ({ event, context }) => {
  const { id, effectiveAt } = event.args
  const parameters = parametersJson(parameterColumns(event.args.parameters))
  await context.db.update(neighborhood, { id }).set({ staged: parameters, stagedEffectiveAt: effectiveAt })
  await recordNeighborhood(context, event, { neighborhood: id, kind: 'parameters_staged', details: { parameters, effectiveAt } })
})

ponder.on('NeighborhoodRegistry:StagedParametersCancelled', async ({ event, context }) => {
  const { id } = event.args
  await context.db.update(neighborhood, { id }).set({ staged: null, stagedEffectiveAt: null })
  await recordNeighborhood(context, event, { neighborhood: id, kind: 'staged_parameters_cancelled', details: {} })
})

ponder.on('NeighborhoodRegistry:ParametersApplied', async ({ event, context }) => {
  const { id } = event.args
  const columns = parameterColumns(event.args.parameters)
  await context.db.update(neighborhood, { id }).set({ ...columns, staged: null, stagedEffectiveAt: null })
  await recordNeighborhood(context, event, {
    neighborhood: id,
    kind: 'parameters_applied',
    details: { parameters: parametersJson(columns) },
  })
})

ponder.on('NeighborhoodRegistry:AdmissionChanged', async ({ event, context }) => {
  const { id, admission } = event.args
  const mode = admissionModeName(admission.mode)
  const gateToken = accountOrNull(admission.gateToken)
  const gateBalance = gateToken === null ? null : admission.gateBalance
  await context.db.update(neighborhood, { id }).set({ admission: mode, gateToken, gateBalance })
  const details = { admission: { mode, gateToken, gateBalance: gateBalance === null ? null : String(gateBalance) } }
  await recordNeighborhood(context, event, { neighborhood: id, kind: 'admission_changed', details })
})

ponder.on('NeighborhoodRegistry:OperatorAllowed', async ({ event, context }) => {
  const { id, allowed } = event.args
  const entry = { neighborhood: id, operator: lower(event.args.operator) }
  if (allowed) await context.db.insert(allowedOperator).values(entry).onConflictDoNothing()
  else await context.db.delete(allowedOperator, entry)
  const details = { operator: account(event.args.operator), allowed }
  await recordNeighborhood(context, event, { neighborhood: id, kind: 'operator_allowed', details })
})

ponder.on('NeighborhoodRegistry:GuardianChanged', async ({ event, context }) => {
  const { id } = event.args
  const guardian = accountOrNull(event.args.guardian)
  await context.db.update(neighborhood, { id }).set({ guardian })
  await recordNeighborhood(context, event, { neighborhood: id, kind: 'guardian_changed', details: { guardian } })
})

ponder.on('NeighborhoodRegistry:RegistrationsPaused', async ({ event, context }) => {
  const { id } = event.args
  if (id === 0) await context.db.update(registry, { id: 1 }).set({ registrationsPaused: true })
  else await context.db.update(neighborhood, { id }).set({ paused: true })
  const details = pauseDetails(event.args)
  await recordNeighborhood(context, event, { neighborhood: id, kind: 'registrations_paused', details })
})

ponder.on('NeighborhoodRegistry:RegistrationsResumed', async ({ event, context }) => {
  const { id } = event.args
  if (id === 0) await context.db.update(registry, { id: 1 }).set({ registrationsPaused: false })
  else await context.db.update(neighborhood, { id }).set({ paused: false })
  const details = pauseDetails(event.args)
  await recordNeighborhood(context, event, { neighborhood: id, kind: 'registrations_resumed', details })
})

ponder.on('NeighborhoodRegistry:AttestersAppointed', async ({ event, context }) => {
  const { id, version } = event.args
  const attesters = event.args.attesters.map((appointed, index) => ({
    number: index + 1,
    account: account(appointed.account),
    keyId: lower(appointed.keyId),
  }))
  if (attesters.length > 0) {
    await context.db.insert(attester).values(attesters.map((appointed) => ({ neighborhood: id, version, ...appointed })))
  }
  await context.db.update(neighborhood, { id }).set({ attesterSet: version })
  await recordNeighborhood(context, event, { neighborhood: id, kind: 'attesters_appointed', details: { version, attesters } })
})

function pauseDetails(args: { id: number; account: `0x${string}` }): NeighborhoodChangeDetails['registrations_paused'] {
  return { account: account(args.account), everywhere: args.id === 0 }
}
