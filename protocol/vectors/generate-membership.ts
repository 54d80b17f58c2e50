// Writes the test vectors of membership and presence: `node protocol/vectors/generate-membership.ts`. Who belongs to a channel by its
// control messages, in whatever order these are given. A test holds the output against the committed file.
import { writeFileSync } from 'node:fs'
import { type Control, foldMembership } from '../src/index.ts'

type Step = Pick<Control, 'key' | 'sentAt' | 'control'> & { body: unknown }

const step = (key: string, sentAt: number, ...[control, body = {}]: [Control['control'], unknown?]): Step => ({ key, sentAt, control, body })
const invite = (key: string, sentAt: number, fields: object = {}) => step(key, sentAt, 'invite', { link: 'link', uses: 1, expiresAt: 1_000, ...fields })
const byLink = (key: string, sentAt: number, ...[of = 'm1', link = 'link']: [of?: string, link?: string]) => step(key, sentAt, 'join', { invite: of, link, proof: 'checked before' })
const approve = (by: string, sentAt: number, ...[key, role]: [key: string, role?: string]) => step(by, sentAt, 'approve', { key, ...(role === undefined ? {} : { role }) })
const remove = (by: string, sentAt: number, key: string) => step(by, sentAt, 'remove', { key })

const cases: [name: string, steps: Step[]][] = [
  ['the creator is the owner', []],
  ['one joins by a link', [invite('creator', 10), byLink('a', 20)]],
  ['one joins by a link, by a clock that is behind', [invite('creator', 20), byLink('a', 10)]],
  ['a link with one use lets one in; the other one waits for an owner', [invite('creator', 10), byLink('a', 30), byLink('b', 20)]],
  ['a link with two uses', [invite('creator', 10, { uses: 2 }), byLink('a', 20), byLink('b', 20), byLink('c', 20)]],
  ['a link that has ended', [invite('creator', 10, { expiresAt: 19 }), byLink('a', 20)]],
  ['a link in its last millisecond', [invite('creator', 10, { expiresAt: 20 }), byLink('a', 20)]],
  ['another link', [invite('creator', 10), byLink('a', 20, 'm1', 'other')]],
  ['no such invitation', [byLink('a', 20, 'm9')]],
  ['an invitation by who is no owner', [approve('creator', 5, 'a'), invite('a', 10), byLink('b', 20, 'm2')]],
  ['an invitation that was taken back', [invite('creator', 10), step('creator', 15, 'remove', { invite: 'm1' }), byLink('a', 20)]],
  ['an invitation by somebody who is no owner any more', [approve('creator', 5, 'o', 'owner'), invite('o', 10), remove('creator', 15, 'o'), byLink('a', 20, 'm2')]],
  ['an invitation of a key, and who else uses it', [step('creator', 10, 'invite', { key: 'a', expiresAt: 1_000 }), step('a', 20, 'join', { invite: 'm1' }), step('b', 20, 'join', { invite: 'm1' })]],
  ['a request, and an approval', [step('a', 10, 'join'), approve('creator', 20, 'a')]],
  ['a request that nobody answers', [step('a', 10, 'join'), approve('b', 20, 'a')]],
  ['an approval before the request', [step('a', 20, 'join'), approve('creator', 10, 'a')]],
  ['who leaves may come back by an invitation', [approve('creator', 10, 'a'), step('a', 20, 'leave'), invite('creator', 25), byLink('a', 30, 'm3')]],
  ['who was removed stays so', [approve('creator', 10, 'a'), remove('creator', 20, 'a'), invite('creator', 25), byLink('a', 30, 'm3'), step('a', 40, 'join'), step('a', 50, 'leave')]],
  ['who was removed is let in by an owner', [remove('creator', 10, 'a'), approve('creator', 20, 'a')]],
  ['a join that is dated before the removal', [invite('creator', 5), remove('creator', 20, 'a'), byLink('a', 10)]],
  ['the creator makes an owner, who approves', [approve('creator', 10, 'o', 'owner'), approve('o', 20, 'a')]],
  ['an approval that is dated before its owner was one', [approve('creator', 20, 'o', 'owner'), approve('o', 10, 'a')]],
  ['an owner makes no owner, and removes none', [approve('creator', 10, 'o', 'owner'), approve('creator', 10, 'p', 'owner'), approve('o', 20, 'a', 'owner'), remove('o', 20, 'p')]],
  ['the creator takes an office back', [approve('creator', 10, 'o', 'owner'), approve('creator', 20, 'o'), approve('o', 30, 'a')]],
  ['nobody removes the creator, who does not leave either', [approve('creator', 10, 'o', 'owner'), remove('o', 20, 'creator'), step('creator', 30, 'leave'), approve('creator', 40, 'creator', 'member')]],
  ['of one date the id decides', [approve('creator', 10, 'a'), remove('creator', 10, 'a')]],
  ['of one date an invitation comes before who joins by it', [byLink('a', 10, 'm2'), invite('creator', 10)]],
]

const folds = cases.map(([name, steps]) => {
  const controls = steps.map((fields, i) => ({ id: `m${i + 1}`, ...fields })) as Control[]
  const { members, refusals, latestAt } = foldMembership('creator', controls)
  return { name, creator: 'creator', controls, members: Object.fromEntries(members), refusals: Object.fromEntries(refusals), latestAt }
})

writeFileSync(`${process.argv[2] ?? import.meta.dirname}/membership.json`, `${JSON.stringify({ folds }, null, 2)}\n`)
