import { serverStatuses } from './parameters.ts'
import { problemCodes } from './problems.ts'

export const text = { type: 'string' }
export const integer = { type: 'integer' }
export const boolean = { type: 'boolean' }
export const nullable = (schema: object) => ({ oneOf: [schema, { type: 'null' }] })
export const ref = (name: string) => ({ $ref: `#/components/schemas/${name}` })
export const listOf = (items: object) => ({ type: 'array', items })
export const object = (properties: Record<string, object>) => ({
  type: 'object',
  properties,
  required: Object.keys(properties),
})

const account = { type: 'string', pattern: '^0x[0-9a-fA-F]{40}$', description: 'An account, with the EIP-55 checksum' }
const keyId = { type: 'string', pattern: '^0x[0-9a-f]{40}$', description: 'Last 20 bytes of keccak256(keyX ‖ keyY), lower case' }
const bytes32 = { type: 'string', pattern: '^0x[0-9a-f]{64}$' }
const amount = { type: 'string', pattern: '^[0-9]+$', description: "In the token's smallest unit, decimal" }
const seconds = { ...integer, description: 'Unix seconds' }
const neighborhoodId = { ...text, pattern: '^[1-9][0-9]*$', description: 'Registry id, decimal' }
const attestationMode = { enum: ['appointed', 'peers'], description: 'Who attests: appointed attesters, or the active servers’ operators' }

const origin = { block: integer, timestamp: seconds, transaction: bytes32 }

const parameters = object({
  stakeToken: account,
  minStake: amount,
  unbondingSeconds: integer,
  keyOverlapSeconds: integer,
  attestationSeconds: integer,
  maxChannelLifetimeSeconds: integer,
  maxChannelIdleSeconds: integer,
  maxMessageBytes: integer,
  maxServers: integer,
  redundancy: { ...integer, description: 'Number of active servers that the owner wants' },
  slashPercent: integer,
  quorumNumerator: { ...integer, description: 'Votes needed as a share of the eligible attesters, rounded up' },
  quorumDenominator: integer,
  attestation: attestationMode,
})

const admission = object({
  mode: { enum: ['open', 'allowlist', 'token_gate'] },
  gateToken: { ...nullable(account), description: 'ERC-20 or ERC-721 of a token gate' },
  gateBalance: { ...nullable(amount), description: 'Least balance of it' },
})

const attesters = listOf(object({ number: { ...integer, description: 'Position from 1' }, account, keyId }))

const round = object({
  number: integer,
  mode: attestationMode,
  eligible: { ...integer, description: 'Number of independent attesters' },
  threshold: { ...integer, description: 'Votes needed' },
  attesterSet: { ...nullable(integer), description: 'Version of the appointed attesters; null in a round of peers' },
  peers: { ...listOf(integer), description: 'Ids of the attesting servers; empty in a round of appointed attesters' },
  opensAt: seconds,
  closesAt: { ...seconds, description: 'Unix seconds, the last one at which attestations are taken' },
})

/** What each kind of change tells, for the two histories. */
const neighborhoodDetails = {
  created: { owner: account, name: text, uri: text, contentHash: bytes32, parameters: ref('Parameters') },
  metadata_updated: { name: text, uri: text, contentHash: bytes32 },
  ownership_offered: { newOwner: nullable(account) },
  ownership_transferred: { previousOwner: account, newOwner: account },
  parameters_staged: { parameters: ref('Parameters'), effectiveAt: seconds },
  staged_parameters_cancelled: {},
  parameters_applied: { parameters: ref('Parameters') },
  admission_changed: { admission: ref('Admission') },
  operator_allowed: { operator: account, allowed: boolean },
  guardian_changed: { guardian: nullable(account) },
  registrations_paused: { account, everywhere: boolean },
  registrations_resumed: { account, everywhere: boolean },
  attesters_appointed: { version: integer, attesters: ref('Attesters') },
  round_opened: round.properties,
}

const serverDetails = {
  registered: { operator: account, payout: account, keyId, endpoint: text, did: text, stake: amount },
  stake_added: { from: account, amount },
  endpoint_changed: { endpoint: text },
  endpoint_proposed: { proposedEndpoint: { ...nullable(text), description: 'Null: the proposal was withdrawn' } },
  did_changed: { did: text },
  key_rotated: { keyId, oldKeyId: keyId, acceptedUntil: seconds },
  payout_proposed: { newPayout: nullable(account) },
  payout_changed: { payout: account },
  attested: {
    round: integer,
    endpoint: text,
    validUntil: seconds,
    activated: { ...boolean, description: 'Whether it was pending before' },
    moved: { ...boolean, description: 'Whether it moved to the endpoint that it had proposed' },
  },
  lapsed: {},
  exit_requested: { unlockAt: seconds, slashPercent: integer },
  withdrawn: { payout: account, amount },
  slashed: { reporter: account, position: bytes32, reward: amount, burned: amount, slashPercent: integer, unlockAt: seconds },
}

/** One schema for each kind, since the kind decides what the details are. */
function changes(details: Record<string, Record<string, object>>, after: Record<string, object>) {
  return {
    oneOf: Object.entries(details).map(([kind, properties]) =>
      object({ kind: { const: kind }, ...origin, details: object(properties), ...after }),
    ),
  }
}

/** Schemas of what the API answers. */
export const schemas = {
  Block: { ...object({ number: integer, hash: bytes32, timestamp: seconds }), description: 'The block that the data stands at' },
  Parameters: parameters,
  Admission: admission,
  Attesters: attesters,
  Round: round,
  Neighborhood: object({
    id: neighborhoodId,
    owner: account,
    pendingOwner: { ...nullable(account), description: 'Whom it is offered to' },
    name: { ...text, description: 'Not unique' },
    uri: text,
    contentHash: bytes32,
    createdAtBlock: integer,
    parameters: ref('Parameters'),
    staged: {
      ...nullable(object({ parameters: ref('Parameters'), effectiveAt: seconds })),
      description: 'Announced parameters, which anybody can apply from `effectiveAt`',
    },
    admission: ref('Admission'),
    guardian: { ...nullable(account), description: 'May pause registrations beside the owner' },
    registrationsPaused: { ...boolean, description: 'In this neighborhood or everywhere' },
    attestation: object({
      mode: attestationMode,
      version: { ...integer, description: 'Of the appointed attesters; 0 if none ever were' },
      attesters: ref('Attesters'),
      round: { ...nullable(ref('Round')), description: 'The latest one' },
    }),
    seatsTaken: { ...integer, description: 'Active servers and lapsed ones that nobody pruned: registration ends at `maxServers` of them' },
    activeServers: { ...integer, description: 'Active servers whose attestation holds' },
    healthy: { ...boolean, description: 'Whether there are as many active servers as the owner wants' },
  }),
  NeighborhoodChange: changes(neighborhoodDetails, {}),
  Server: object({
    id: integer,
    neighborhood: neighborhoodId,
    operator: account,
    payout: account,
    pendingPayout: { ...nullable(account), description: 'Whom the payout account offered its place to' },
    keyId,
    keyX: { ...bytes32, description: 'P-256 public key, affine x' },
    keyY: { ...bytes32, description: 'P-256 public key, affine y' },
    endpoint: { ...text, description: 'Origin of its HTTP API' },
    proposedEndpoint: { ...nullable(text), description: 'Where it moves with the next attestation of that endpoint' },
    did: text,
    stake: amount,
    status: { enum: serverStatuses.filter((status) => status !== 'all') },
    validUntil: {
      ...nullable(integer),
      description: 'Unix seconds, the last one at which its latest attestation holds; null if never attested',
    },
    unlockAt: { ...nullable(integer), description: 'Unix seconds from which the stake can be withdrawn; null before an exit or a slash' },
    slashPercent: { ...nullable(integer), description: 'Share of the stake at risk, fixed by an exit or a slash; null before' },
    slash: {
      ...nullable(object({ reporter: account, position: bytes32, reward: amount, burned: amount })),
      description: 'What a proven equivocation cost; `position` is the hash that names the position',
    },
    registeredAtBlock: integer,
  }),
  ServerChange: changes(serverDetails, {
    status: { enum: serverStatuses.filter((status) => status !== 'all' && status !== 'lapsed'), description: 'After the change' },
    stake: { ...amount, description: 'After the change' },
    endpoint: { ...text, description: 'After the change' },
  }),
  Key: object({
    keyId,
    keyX: bytes32,
    keyY: bytes32,
    acceptedUntil: {
      ...nullable(integer),
      description: 'Unix seconds, the last one at which a former key speaks for the server; null for the present key',
    },
    sinceBlock: integer,
  }),
  Attestation: object({
    round: integer,
    mode: attestationMode,
    endpoint: text,
    endpointHash: bytes32,
    spkiHash: { ...bytes32, description: 'Of the certificate that the attesters saw' },
    validUntil: seconds,
    reportHash: bytes32,
    attesters: {
      ...listOf(object({ number: integer, account })),
      description: 'Who voted: the position among the appointed attesters, or the id of the server, and the account behind it',
    },
    ...origin,
  }),
  Problem: {
    ...object({ type: text, title: text, status: integer, code: { enum: problemCodes }, retryable: boolean }),
    description: 'RFC 9457 problem document; may have a detail',
  },
}
