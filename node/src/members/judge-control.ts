import { type Control, DredError, limits, type Membership, type Refusal } from '@dred/protocol'
import { type Controls, isOfEverybody } from './channel-members.ts'

/**
 * Whether a control message that a client hands over may be taken: what has no effect is refused, as it would stay for as long as its
 * channel, and so is what its sender might not do now, however it is dated. Between servers nothing is refused: what has no effect there has
 * none anywhere.
 * @param now Unix ms
 * @throws DredError `not_an_owner`, `not_a_member`, `invalid_invitation`, `malformed_statement` for what changes nothing or is dated before
 *   what it follows, `rate_limited` where the channel has as many as it may
 */
export function judgeControl(controls: Controls, control: Control, now: number): void {
  if (controls.get(control.id)) return
  if (controls.size >= limits.controls || (isOfEverybody(control) && controls.comingsAndGoings >= limits.comingsAndGoings)) {
    throw new DredError('rate_limited', { detail: 'The channel has as many control messages as it may' })
  }
  assertNotEnded(controls, control, now)
  const { latestAt } = controls.membership
  const isLatest = control.sentAt > latestAt
  const after = controls.with(control)
  const refusal = after.refusals.get(control.id) ?? (isSuperseded(after, control) ? 'void' : undefined)
  // Whoever may not do it any more may date it back to when that was so.
  const refusalNow = isLatest ? refusal : controls.with({ ...control, sentAt: latestAt + 1 }).refusals.get(control.id)
  if (refusalNow) throw refusals[refusal ?? refusalNow]()
  if (refusal) throw new DredError('malformed_statement', { detail: `It is dated before what it follows: date it after ${latestAt}` })
  assertRoom(after)
}

const refusals: Record<Refusal, () => DredError> = {
  not_an_owner: () => new DredError('not_an_owner'),
  not_a_member: () => new DredError('not_a_member'),
  invalid_invitation: () => new DredError('invalid_invitation'),
  removed: () => new DredError('not_a_member', { detail: 'An owner removed this key: only an owner lets it in again' }),
  void: () => new DredError('malformed_statement', { detail: 'It would change nothing' }),
}

function assertRoom({ members }: Membership): void {
  const waiting = [...members.values()].filter(({ role }) => role === 'pending').length
  if (waiting <= limits.joinRequests) return
  throw new DredError('rate_limited', { detail: `${limits.joinRequests} requests to join wait for an owner of the channel` })
}

/** Whoever comes late may date the join back. */
function assertNotEnded(controls: Controls, { control, body }: Control, now: number): void {
  if (control !== 'join' || !('invite' in body)) return
  const invitation = controls.get(body.invite)
  if (invitation?.control === 'invite' && invitation.body.expiresAt < now) throw new DredError('invalid_invitation')
}

/** Whether something later is known about the key that it is about. */
function isSuperseded({ members }: Membership, { control, id, key, body }: Control): boolean {
  if (control === 'invite' || (control === 'remove' && 'invite' in body)) return false
  const subject = control === 'approve' || control === 'remove' ? (body as { key: string }).key : key
  return members.get(subject)?.by !== id
}
