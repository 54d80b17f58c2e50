import { type Control, DredError } from '@dred/protocol'
import { beforeEach, describe, expect, it } from 'vitest'
import { Controls } from './channel-members.ts'
import { judgeControl } from './judge-control.ts'

const key = (name: string): string => name.padEnd(43, '0')
const [creator, owner, early, late] = ['creator', 'owner', 'early', 'late'].map(key) as [string, string, string, string]
const link = key('link')
const NOW = 1_000
const FAR = 1e12

let controls: Controls
let count = 0

type Said = { [Name in Control['control']]: [control: Name, body: Extract<Control, { control: Name }>['body']] }[Control['control']]

function said(by: string, sentAt: number, ...[control, body]: Said): Control {
  return { id: `${++count}`, key: by, sentAt, control, body } as Control
}

function add(by: string, sentAt: number, ...of: Said): Control {
  const control = said(by, sentAt, ...of)
  controls.add(control)
  return control
}

function refusal(control: Control): string | undefined {
  try {
    judgeControl(controls, control, NOW)
    return undefined
  } catch (error) {
    if (error instanceof DredError) return error.code
    throw error
  }
}

const joining = (by: string, sentAt: number, invite: string) => said(by, sentAt, 'join', { invite, link, proof: '' })

beforeEach(() => {
  controls = new Controls(creator)
  count = 0
})

describe('who dates a control message back', () => {
  it('does not get by as an owner what it could do before it was removed', () => {
    add(creator, 10, 'approve', { key: owner, role: 'owner' })
    add(creator, 100, 'remove', { key: owner })
    expect(refusal(said(owner, 50, 'approve', { key: late }))).toBe('not_an_owner')
    expect(refusal(said(owner, 50, 'remove', { key: early }))).toBe('not_an_owner')
    expect(refusal(said(owner, 50, 'invite', { key: late, expiresAt: FAR }))).toBe('not_an_owner')
  })

  it('does not come in by a link that was taken back', () => {
    const { id } = add(creator, 10, 'invite', { link, uses: 5, expiresAt: FAR })
    expect(refusal(joining(late, 50, id))).toBeUndefined()
    add(creator, 100, 'remove', { invite: id })
    expect(refusal(joining(late, 50, id))).toBe('invalid_invitation')
  })

  it('does not come in by the invitation of an owner who was removed', () => {
    add(creator, 10, 'approve', { key: owner, role: 'owner' })
    const { id } = add(owner, 20, 'invite', { key: late, expiresAt: FAR })
    add(creator, 100, 'remove', { key: owner })
    expect(refusal(said(late, 50, 'join', { invite: id }))).toBe('invalid_invitation')
  })

  it('does not take the place of a member who used the link before', () => {
    const { id } = add(creator, 10, 'invite', { link, uses: 1, expiresAt: FAR })
    controls.add(joining(early, 60, id))
    expect(refusal(joining(late, 50, id))).toBe('invalid_invitation')
  })

  it('may do what it still may: clocks differ', () => {
    add(creator, 100, 'approve', { key: owner, role: 'owner' })
    const { id } = add(creator, 110, 'invite', { link, uses: 1, expiresAt: FAR })
    add(creator, 120, 'approve', { key: early })
    expect(refusal(said(owner, 105, 'approve', { key: late }))).toBeUndefined()
    expect(refusal(joining(late, 50, id))).toBeUndefined()
    expect(refusal(said(early, 125, 'leave', {}))).toBeUndefined()
  })
})
