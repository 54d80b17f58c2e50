import { count } from '../../units.ts'
import { at, durationAt, type Refusal, timeAt } from './refusal.ts'

const statusNames = ['unregistered', 'pending', 'active', 'exiting', 'withdrawn', 'slashed']
const statusOf = (args: readonly unknown[], index: number) => statusNames[Number(args[index])] ?? 'in an unknown state'

const notEvidence = (why: string): [string, string] => ['no_evidence', `This is no evidence against the server: ${why}.`]

export const serverRefusals: Record<string, Refusal> = {
  ServerRegistry_Unknown: (a) => ['unknown_server', `No server is registered as ${at(a, 0)}: see \`dred neighborhood show\` for the ids.`],
  ServerRegistry_NotOperator: (a) => ['not_operator', `Only the operator of server ${at(a, 0)} may do this: use the operator's wallet.`],
  ServerRegistry_NotPayout: (a) => [
    'not_payout',
    `Only the payout account of server ${at(a, 0)} may do this: use its wallet, not ${at(a, 1)}.`,
  ],
  ServerRegistry_NotPendingPayout: (a) => [
    'not_pending_payout',
    `The payout of server ${at(a, 0)} is not offered to ${at(a, 1)}: have the payout account offer it first.`,
  ],
  ServerRegistry_NotOperatorOrPayout: (a) => [
    'not_operator_or_payout',
    `Only the operator or the payout account of server ${at(a, 0)} may do this: use one of their wallets.`,
  ],
  ServerRegistry_NotComplianceRegistry: (a) => [
    'not_compliance_registry',
    `${at(a, 0)} is not the compliance registry, which alone says who is active: use \`dred compliance attest\`.`,
  ],
  ServerRegistry_NotMember: (a) => ['not_member', `Server ${at(a, 0)} is ${statusOf(a, 1)}: only a pending or active server may do this.`],
  ServerRegistry_NotExiting: (a) =>
    statusOf(a, 1) === 'withdrawn'
      ? ['nothing_to_withdraw', `Server ${at(a, 0)} has withdrawn its stake already: nothing remains to be done.`]
      : [
          'not_exiting',
          `Server ${at(a, 0)} is ${statusOf(a, 1)}, and its stake can be withdrawn only after an exit: run \`dred server exit ${at(a, 0)}\`.`,
        ],
  ServerRegistry_Locked: (a) => ['locked', `The stake of server ${at(a, 0)} can be withdrawn from ${timeAt(a, 1)}: wait until then.`],
  ServerRegistry_NothingToWithdraw: (a) => [
    'nothing_to_withdraw',
    `Server ${at(a, 0)} has no stake left to withdraw: nothing remains to be done.`,
  ],
  ServerRegistry_StakeTooLow: (a) => [
    'stake_too_low',
    `A stake of ${at(a, 0)} is less than the neighborhood's least, ${at(a, 1)}: raise --stake, or add to it.`,
  ],
  ServerRegistry_AmountZero: () => ['amount_zero', 'Nothing would be staked: give an --amount above zero.'],
  ServerRegistry_StakeOverflow: () => ['stake_overflow', 'No server can hold that much stake: lower --amount.'],
  ServerRegistry_TransferMismatch: (a) => [
    'token_unsupported',
    `The token ${at(a, 0)} delivers less than it is asked to (${at(a, 2)} of ${at(a, 1)}) and cannot be staked: choose a neighborhood with another token.`,
  ],
  ServerRegistry_PayoutInvalid: (a) => ['payout_invalid', `${at(a, 0)} cannot receive the stake back: change --payout.`],
  ServerRegistry_NeighborhoodFull: (a) => [
    'neighborhood_full',
    `Neighborhood ${at(a, 0)} has its ${count(Number(a[1]), 'active server')} already: wait for one to leave or to lapse.`,
  ],
  ServerRegistry_Expired: () => ['statement_expired', 'The transaction took too long and its statement expired: run the command again.'],
  ServerRegistry_KeyInvalid: () => ['key_invalid', 'The server key is not a point of P-256: make one with `dred keys new --type server`.'],
  ServerRegistry_KeyUsed: (a) => [
    'key_used',
    `This server key belongs to server ${at(a, 1)}, and no key is used twice: make another with \`dred keys new --type server\`.`,
  ],
  ServerRegistry_SignatureInvalid: () => [
    'statement_invalid',
    "The registry did not accept the server key's statement: check --chain-id and --server-registry.",
  ],
  ServerRegistry_OverlapTooLong: (a) => [
    'overlap_too_long',
    `The old key is accepted for ${durationAt(a, 1)} at most, not ${durationAt(a, 0)}: lower --overlap.`,
  ],
  ServerRegistry_EndpointInvalid: (a) => [
    'endpoint_invalid',
    `${at(a, 0)} is not a canonical origin: give https://host or https://host:port in lower case (plain http only for 127.0.0.1 and localhost).`,
  ],
  ServerRegistry_EndpointTaken: (a) => [
    'endpoint_taken',
    `Server ${at(a, 2)} of neighborhood ${at(a, 0)} has this endpoint already: choose another --endpoint.`,
  ],
  ServerRegistry_EndpointMismatch: (a) => ['endpoint_mismatch', `Server ${at(a, 0)} has moved since it was examined: attest it again.`],
  ServerRegistry_AttestationNotNewer: (a) => [
    'not_newer',
    `Server ${at(a, 0)} is attested until ${timeAt(a, 1)} or longer already: attest it again later, or with a newer certificate.`,
  ],
  ServerRegistry_NotLapsed: (a) => ['not_lapsed', `Server ${at(a, 0)} is not active, or its attestation still holds: leave it as it is.`],
  ServerRegistry_DidInvalid: (a) => ['did_invalid', `${at(a, 0)} is not a DID of at most 128 bytes: give did:method:id as --did.`],
  ServerRegistry_NotSlashable: (a) => [
    'not_slashable',
    `Server ${at(a, 0)} is ${statusOf(a, 1)} and cannot be slashed: leave it as it is.`,
  ],
  ServerRegistry_ForeignKey: (a) => notEvidence(`the key ${at(a, 1)} is not one of server ${at(a, 0)}`),
  ServerRegistry_PositionMismatch: () => notEvidence('the statements are about different histories'),
  ServerRegistry_BranchInvalid: () => notEvidence('the branch does not lead to the later statement'),
  ServerRegistry_NoEquivocation: () => notEvidence('the statements agree with each other'),
}
