import type { Approve, Control, Invite, Join, Remove } from './control.ts'

export type Role = 'owner' | 'member' | 'pending' | 'removed' | 'left'

export interface Member {
  role: Role
  /** Unix ms from which on it is so. */
  since: number
  /** Id of the control message that made it so; undefined of the creator. */
  by: string | undefined
}

/** Why a control message has no effect. */
export type Refusal =
  | 'not_an_owner'
  /** There is none, it has ended or is used up, it is for another key or link, or whoever gave it is no owner any more. */
  | 'invalid_invitation'
  /** An owner has removed the key: only an owner lets it in again. */
  | 'removed'
  | 'not_a_member'
  /** It is so already, or nobody may change it. */
  | 'void'

export interface Membership {
  /** By device key. */
  members: ReadonlyMap<string, Member>
  /** By id, of the control messages that have no effect. */
  refusals: ReadonlyMap<string, Refusal>
  /** Unix ms: the latest date of a control message, 0 for none. The next one is to be dated later. */
  latestAt: number
}

type Of<Name extends Control['control']> = Extract<Control, { control: Name }>

interface Invitation {
  by: string
  invite: Invite
  usesLeft: number
}

/**
 * Who belongs to a channel: the same on every server that has the same control messages, in whatever order they came. They take effect in
 * the order of their dates, of one date by id; a join not before the invitation that it names. Each counts only as far as its sender had
 * the right to it at its place in that order.
 * @param creator device key that signed the channel's genesis
 */
export function foldMembership(creator: string, controls: Iterable<Control>): Membership {
  const members = new Map<string, Member>()
  const refusals = new Map<string, Refusal>()
  const fold = new Fold(creator, members)
  let latestAt = 0
  for (const { control, at } of inOrder([...controls])) {
    const refusal = fold.apply(control, at)
    if (refusal) refusals.set(control.id, refusal)
    latestAt = Math.max(latestAt, control.sentAt)
  }
  return { members, refusals, latestAt }
}

/** Of one date: invitations before what they allow. */
const ranks: Record<Control['control'], number> = { invite: 0, approve: 1, leave: 1, remove: 1, join: 2 }

function inOrder(controls: readonly Control[]): { control: Control; at: number }[] {
  const invitedAt = new Map(controls.flatMap(({ control, id, sentAt }) => (control === 'invite' ? [[id, sentAt]] : [])))
  return controls
    .map((control) => {
      const invite = control.control === 'join' && 'invite' in control.body ? control.body.invite : ''
      return { control, at: Math.max(control.sentAt, invitedAt.get(invite) ?? 0) }
    })
    .sort((a, b) => a.at - b.at || ranks[a.control.control] - ranks[b.control.control] || (a.control.id < b.control.id ? -1 : 1))
}

class Fold {
  readonly #creator: string
  readonly #members: Map<string, Member>
  readonly #invitations = new Map<string, Invitation>()

  constructor(creator: string, members: Map<string, Member>) {
    this.#creator = creator
    this.#members = members
    members.set(creator, { role: 'owner', since: 0, by: undefined })
  }

  apply(control: Control, at: number): Refusal | undefined {
    switch (control.control) {
      case 'invite':
        return this.#invite(control)
      case 'join':
        return this.#join(control, at)
      case 'approve':
        return this.#approve(control, at)
      case 'leave':
        return this.#leave(control, at)
      case 'remove':
        return 'invite' in control.body ? this.#cancel(control, control.body.invite) : this.#remove(control, control.body, at)
    }
  }

  #invite({ id, key, body }: Of<'invite'>): Refusal | undefined {
    if (!this.#isOwner(key)) return 'not_an_owner'
    this.#invitations.set(id, { by: key, invite: body, usesLeft: 'uses' in body ? body.uses : Number.POSITIVE_INFINITY })
    return undefined
  }

  #join({ id, key, body }: Of<'join'>, at: number): Refusal | undefined {
    const role = this.#role(key)
    if (role === 'removed') return 'removed'
    if (role === 'owner' || role === 'member') return 'void'
    const invitation = this.#invitationFor(key, body, at)
    if (invitation) {
      invitation.usesLeft--
      this.#members.set(key, { role: 'member', since: at, by: id })
      return undefined
    }
    // What the invitation does not give, an owner still may.
    if (role !== 'pending') this.#members.set(key, { role: 'pending', since: at, by: id })
    if ('invite' in body) return 'invalid_invitation'
    return role === 'pending' ? 'void' : undefined
  }

  #invitationFor(key: string, body: Join, at: number): Invitation | undefined {
    const invitation = 'invite' in body ? this.#invitations.get(body.invite) : undefined
    if (!invitation || invitation.usesLeft < 1 || at > invitation.invite.expiresAt || !this.#isOwner(invitation.by)) return undefined
    const { invite } = invitation
    const fits = 'link' in invite ? 'link' in body && body.link === invite.link : invite.key === key
    return fits ? invitation : undefined
  }

  #approve({ id, key: by, body }: Of<'approve'>, at: number): Refusal | undefined {
    const { key, role = 'member' }: Approve = body
    const before = this.#role(key)
    if (!this.#isOwner(by)) return 'not_an_owner'
    // Who is an owner, the creator alone decides.
    if ((role === 'owner' || before === 'owner') && by !== this.#creator) return before === role ? 'void' : 'not_an_owner'
    if (before === role || key === this.#creator) return 'void'
    this.#members.set(key, { role, since: at, by: id })
    return undefined
  }

  #leave({ id, key }: Of<'leave'>, at: number): Refusal | undefined {
    const role = this.#role(key)
    if (key === this.#creator) return 'void'
    if (role === undefined || role === 'removed' || role === 'left') return 'not_a_member'
    this.#members.set(key, { role: 'left', since: at, by: id })
    return undefined
  }

  #remove({ id, key: by }: Of<'remove'>, { key }: Extract<Remove, { key: string }>, at: number): Refusal | undefined {
    const before = this.#role(key)
    if (!this.#isOwner(by) || (before === 'owner' && by !== this.#creator)) return 'not_an_owner'
    if (key === this.#creator || before === 'removed') return 'void'
    this.#members.set(key, { role: 'removed', since: at, by: id })
    return undefined
  }

  #cancel({ key }: Of<'remove'>, invite: string): Refusal | undefined {
    if (!this.#isOwner(key)) return 'not_an_owner'
    return this.#invitations.delete(invite) ? undefined : 'invalid_invitation'
  }

  #role(key: string): Role | undefined {
    return this.#members.get(key)?.role
  }

  #isOwner(key: string): boolean {
    return this.#role(key) === 'owner'
  }
}
