import { at, durationAt, type Refusal, timeAt } from './refusal.ts'

export const neighborhoodRefusals: Record<string, Refusal> = {
  NeighborhoodRegistry_Unknown: (a) => ['unknown_neighborhood', `There is no neighborhood ${at(a, 0)}: see \`dred neighborhood list\`.`],
  NeighborhoodRegistry_NotOwner: (a) => ['not_owner', `Only the owner of neighborhood ${at(a, 0)} may do this: use the owner's wallet.`],
  NeighborhoodRegistry_NotPendingOwner: (a) => [
    'not_pending_owner',
    `Neighborhood ${at(a, 0)} is not offered to ${at(a, 1)}: have its owner offer it to this wallet.`,
  ],
  NeighborhoodRegistry_NotGuardian: (a) => [
    'not_guardian',
    Number(a[0]) === 0
      ? "Only the registry's guardian may do this: use its wallet."
      : `Only the owner or the guardian of neighborhood ${at(a, 0)} may do this: use one of their wallets.`,
  ],
  NeighborhoodRegistry_NameLength: (a) => ['name_length', `A name has 1 to 64 bytes, this one ${at(a, 0)}: change --name.`],
  NeighborhoodRegistry_UriLength: (a) => ['uri_length', `A URI has at most 256 bytes, this one ${at(a, 0)}: shorten --uri.`],
  NeighborhoodRegistry_StakeTokenInvalid: (a) => [
    'stake_token_invalid',
    `There is no contract at ${at(a, 0)}: give an ERC-20 as --stake-token.`,
  ],
  NeighborhoodRegistry_StakeTokenFixed: (a) => [
    'stake_token_fixed',
    `Neighborhood ${at(a, 0)} stakes ${at(a, 1)} for ever: create another neighborhood for another token.`,
  ],
  NeighborhoodRegistry_MinStakeOutOfBounds: () => ['min_stake_bounds', 'The least stake has to be more than nothing: raise --min-stake.'],
  NeighborhoodRegistry_UnbondingOutOfBounds: (a) => [
    'unbonding_bounds',
    `Unbonding takes 1 to 30 days, not ${durationAt(a, 0)}: change --unbonding.`,
  ],
  NeighborhoodRegistry_KeyOverlapOutOfBounds: (a) => [
    'key_overlap_bounds',
    `Rotated keys are accepted for 7 days at most, not ${durationAt(a, 0)}: lower --key-overlap.`,
  ],
  NeighborhoodRegistry_AttestationOutOfBounds: (a) => [
    'attestation_bounds',
    `An attestation holds 1 hour to 90 days, not ${durationAt(a, 0)}: change --attestation.`,
  ],
  NeighborhoodRegistry_MaxServersOutOfBounds: (a) => [
    'max_servers_bounds',
    `A neighborhood has 1 to 64 servers, not ${at(a, 0)}: change --max-servers.`,
  ],
  NeighborhoodRegistry_RedundancyOutOfBounds: (a) => [
    'redundancy_bounds',
    `The redundancy is 1 to the most servers (${at(a, 1)}), not ${at(a, 0)}: change --redundancy.`,
  ],
  NeighborhoodRegistry_SlashOutOfBounds: (a) => [
    'slash_bounds',
    `A slash takes 10 to 100 percent, not ${at(a, 0)}: change --slash-percent.`,
  ],
  NeighborhoodRegistry_QuorumOutOfBounds: (a) => [
    'quorum_bounds',
    `A quorum is from 1/2 to 1, its denominator 100 at most, not ${at(a, 0)}/${at(a, 1)}: change --quorum.`,
  ],
  NeighborhoodRegistry_ChannelLifetimeOutOfBounds: (a) => [
    'channel_lifetime_bounds',
    `A channel lives 1 second to 366 days, not ${durationAt(a, 0)}: change --max-channel-lifetime.`,
  ],
  NeighborhoodRegistry_ChannelIdleOutOfBounds: (a) => [
    'channel_idle_bounds',
    `The idle time is 1 second to the channel's lifetime (${durationAt(a, 1)}), not ${durationAt(a, 0)}: change --max-channel-idle.`,
  ],
  NeighborhoodRegistry_MessageBytesOutOfBounds: (a) => [
    'message_bytes_bounds',
    `The largest message has 1024 to 1048576 bytes, not ${at(a, 0)}: change --max-message-bytes.`,
  ],
  NeighborhoodRegistry_NothingStaged: (a) => ['nothing_staged', `Neighborhood ${at(a, 0)} has no announced parameters: stage some first.`],
  NeighborhoodRegistry_NotYetEffective: (a) => [
    'not_yet_effective',
    `The announced parameters of neighborhood ${at(a, 0)} can be applied from ${timeAt(a, 1)}: wait until then.`,
  ],
  NeighborhoodRegistry_AdmissionInvalid: () => [
    'admission_invalid',
    'A token gate needs a token contract and a balance above zero, and nothing else takes them: check --gate-token and --gate-balance.',
  ],
  NeighborhoodRegistry_NotAdmitted: (a) => [
    'not_admitted',
    `Neighborhood ${at(a, 0)} does not admit ${at(a, 1)}: see \`dred neighborhood show ${at(a, 0)}\` for its rules, or ask its owner.`,
  ],
  NeighborhoodRegistry_RegistrationsPaused: (a) => [
    'registrations_paused',
    `Registrations in neighborhood ${at(a, 0)} are paused: try again when its owner or guardian resumes them.`,
  ],
  NeighborhoodRegistry_AttestersLength: (a) => ['attesters_length', `There are at most 32 attesters, not ${at(a, 0)}: leave some out.`],
  NeighborhoodRegistry_AttestersNotAscending: (a) => [
    'attester_account',
    `The attester account ${at(a, 0)} is named twice or zero: check --attester.`,
  ],
  NeighborhoodRegistry_AttesterKeyInvalid: (a) => [
    'attester_key',
    `The attester key ${at(a, 0)} is zero or named twice: give each --attester a key of its own.`,
  ],
}
