import { type Address, getAddress, type Hex, zeroAddress } from 'viem'

/**
 * What the histories keep of each event, in the form in which the API gives it: accounts with the EIP-55 checksum, key ids and
 * hashes in lower case, amounts as decimal strings in the token's smallest unit, times in Unix seconds, null for "none".
 */

export type AttestationModeName = 'appointed' | 'peers'
export type AdmissionModeName = 'open' | 'allowlist' | 'token_gate'

export type ParametersJson = {
  stakeToken: string
  minStake: string
  unbondingSeconds: number
  keyOverlapSeconds: number
  attestationSeconds: number
  maxChannelLifetimeSeconds: number
  maxChannelIdleSeconds: number
  maxMessageBytes: number
  maxServers: number
  redundancy: number
  slashPercent: number
  quorumNumerator: number
  quorumDenominator: number
  attestation: AttestationModeName
}

export type AdmissionJson = { mode: AdmissionModeName; gateToken: string | null; gateBalance: string | null }
export type AttesterJson = { number: number; account: string; keyId: string }

export type RoundJson = {
  number: number
  mode: AttestationModeName
  eligible: number
  threshold: number
  attesterSet: number | null
  peers: readonly number[]
  opensAt: number
  closesAt: number
}

export type NeighborhoodChangeDetails = {
  created: { owner: string; name: string; uri: string; contentHash: string; parameters: ParametersJson }
  metadata_updated: { name: string; uri: string; contentHash: string }
  ownership_offered: { newOwner: string | null }
  ownership_transferred: { previousOwner: string; newOwner: string }
  parameters_staged: { parameters: ParametersJson; effectiveAt: number }
  staged_parameters_cancelled: Record<never, never>
  parameters_applied: { parameters: ParametersJson }
  admission_changed: { admission: AdmissionJson }
  operator_allowed: { operator: string; allowed: boolean }
  guardian_changed: { guardian: string | null }
  /** `everywhere`: in every neighborhood, by the guardian of the registry. */
  registrations_paused: { account: string; everywhere: boolean }
  registrations_resumed: { account: string; everywhere: boolean }
  attesters_appointed: { version: number; attesters: AttesterJson[] }
  round_opened: RoundJson
}

export type ServerChangeDetails = {
  registered: { operator: string; payout: string; keyId: string; endpoint: string; did: string; stake: string }
  stake_added: { from: string; amount: string }
  endpoint_changed: { endpoint: string }
  /** Null: the proposal was withdrawn. */
  endpoint_proposed: { proposedEndpoint: string | null }
  did_changed: { did: string }
  key_rotated: { keyId: string; oldKeyId: string; acceptedUntil: number }
  payout_proposed: { newPayout: string | null }
  payout_changed: { payout: string }
  /** `activated`: it was pending before; `moved`: to the endpoint that it had proposed. */
  attested: { round: number; endpoint: string; validUntil: number; activated: boolean; moved: boolean }
  lapsed: Record<never, never>
  exit_requested: { unlockAt: number; slashPercent: number }
  withdrawn: { payout: string; amount: string }
  slashed: { reporter: string; position: string; reward: string; burned: string; slashPercent: number; unlockAt: number }
}

/** Parameters as the events have them; `attestation` is the number of the mode. */
export type EventParameters = Omit<ParametersJson, 'stakeToken' | 'minStake' | 'attestation'> & {
  stakeToken: Address
  minStake: bigint
  attestation: number
}

/** Accounts are given as wallets show them. */
export const account = (hex: Hex): Address => getAddress(hex)

/** An account, or null where the contracts have the zero address. */
export const accountOrNull = (hex: Hex): Address | null => (hex === zeroAddress ? null : account(hex))

/** Key ids and hashes are not accounts, though key ids have the type of addresses in the contracts. */
export const lower = (hex: Hex): Hex => hex.toLowerCase() as Hex

/** @throws {RangeError} for a number that the contract's enum does not have */
export function attestationModeName(mode: number): AttestationModeName {
  return nameOf(['appointed', 'peers'], mode)
}

/** @throws {RangeError} for a number that the contract's enum does not have */
export function admissionModeName(mode: number): AdmissionModeName {
  return nameOf(['open', 'allowlist', 'token_gate'], mode)
}

function nameOf<Name>(names: readonly Name[], mode: number): Name {
  const name = names[mode]
  if (name === undefined) throw new RangeError(`The contracts have no mode ${mode}`)
  return name
}

/** The columns of a neighborhood that its parameters fill. */
export function parameterColumns(parameters: EventParameters) {
  return { ...parameters, attestation: attestationModeName(parameters.attestation) }
}

export function parametersJson(parameters: ReturnType<typeof parameterColumns>): ParametersJson {
  return {
    stakeToken: account(parameters.stakeToken),
    minStake: String(parameters.minStake),
    unbondingSeconds: parameters.unbondingSeconds,
    keyOverlapSeconds: parameters.keyOverlapSeconds,
    attestationSeconds: parameters.attestationSeconds,
    maxChannelLifetimeSeconds: parameters.maxChannelLifetimeSeconds,
    maxChannelIdleSeconds: parameters.maxChannelIdleSeconds,
    maxMessageBytes: parameters.maxMessageBytes,
    maxServers: parameters.maxServers,
    redundancy: parameters.redundancy,
    slashPercent: parameters.slashPercent,
    quorumNumerator: parameters.quorumNumerator,
    quorumDenominator: parameters.quorumDenominator,
    attestation: parameters.attestation,
  }
}
