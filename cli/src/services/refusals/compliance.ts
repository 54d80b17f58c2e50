import { at, type Refusal, timeAt } from './refusal.ts'

export const complianceRefusals: Record<string, Refusal> = {
  ComplianceRegistry_RoundOpen: (a) => [
    'round_open',
    `Round ${at(a, 1)} of neighborhood ${at(a, 0)} is open until ${timeAt(a, 2)} already: vote in it.`,
  ],
  ComplianceRegistry_NoAttesters: (a) => [
    'no_attesters',
    `Neighborhood ${at(a, 0)} has no attesters: its owner appoints them by \`dred neighborhood attesters\`.`,
  ],
  ComplianceRegistry_RoundNotOpen: (a) => [
    'round_closed',
    `Round ${at(a, 1)} of neighborhood ${at(a, 0)} is over: attest again, which opens the next one.`,
  ],
  ComplianceRegistry_ForeignServer: (a) => [
    'foreign_server',
    `Server ${at(a, 1)} is none of neighborhood ${at(a, 0)}: attest it in its own.`,
  ],
  ComplianceRegistry_ValidityOutOfBounds: (a) => [
    'validity_bounds',
    `An attestation holds from now until ${timeAt(a, 1)} at most, not until ${timeAt(a, 0)}: attest again.`,
  ],
  ComplianceRegistry_QuorumMissed: (a) => [
    'quorum_missed',
    `There are ${at(a, 0)} of the ${at(a, 1)} votes needed: gather the others' files and give them as --votes.`,
  ],
  ComplianceRegistry_NotAscending: (a) => [
    'votes_order',
    `The vote of attester ${at(a, 0)} is out of order: attest again from the vote files.`,
  ],
  ComplianceRegistry_NotEligible: (a) => [
    'not_eligible',
    `Attester ${at(a, 0)} has no vote in this round, or not by this key: leave out its --votes.`,
  ],
  ComplianceRegistry_OwnServer: (a) => [
    'own_server',
    `Attester ${at(a, 0)} operates the server, and nobody attests its own: leave out its vote.`,
  ],
  ComplianceRegistry_SecondVote: (a) => [
    'second_vote',
    `The operator ${at(a, 1)} of attester ${at(a, 0)} has voted by another server: leave out one of the two votes.`,
  ],
  ComplianceRegistry_SignatureInvalid: (a) => [
    'vote_invalid',
    `The registry did not accept the signature of attester ${at(a, 0)}: check --chain-id and --server-registry, and ask for the vote again.`,
  ],
}
