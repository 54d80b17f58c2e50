import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { readVectors, vectorFolder } from '../../vectors/json.ts'
import { Random } from '../testing/random.ts'
import type { Control } from './control.ts'
import { foldMembership, type Membership, type Role } from './fold.ts'

const vectors = readVectors<{
  folds: {
    name: string
    creator: string
    controls: Control[]
    members: Record<string, { role: string; since: number; by?: string }>
    refusals: Record<string, string>
    latestAt: number
  }[]
}>('membership.json')

const plain = ({ members, refusals, latestAt }: Membership) => ({
  members: Object.fromEntries([...members].toSorted(([a], [b]) => (a < b ? -1 : 1))),
  refusals: Object.fromEntries([...refusals].toSorted(([a], [b]) => (a < b ? -1 : 1))),
  latestAt,
})

function* permutations<T>(items: readonly T[]): Generator<T[]> {
  if (items.length < 2) yield [...items]
  else
    for (const [i, item] of items.entries())
      for (const rest of permutations([...items.slice(0, i), ...items.slice(i + 1)])) yield [item, ...rest]
}

function shuffled<T>(items: readonly T[], random: Random): T[] {
  const left = [...items]
  return items.map(() => left.splice(random.below(left.length), 1)[0] as T)
}

describe('the members of a channel', () => {
  it.each(vectors.folds)('$name', ({ creator, controls, members, refusals, latestAt }) => {
    const expected = JSON.parse(JSON.stringify({ members, refusals, latestAt })) as unknown
    for (const order of permutations(controls)) {
      expect(JSON.parse(JSON.stringify(plain(foldMembership(creator, order))))).toEqual(expected)
    }
  })
})

const KEYS = ['creator', 'a', 'b', 'c', 'd']

/** Anything that a valid signature can be under: most of it by who may not, about what is not there. */
function anyControl(random: Random, id: string, invites: string[]): Control {
  const one = <T>(items: readonly T[]): T => random.pick(items) as T
  const common = { id, key: one(KEYS), sentAt: random.below(12) }
  const invite = one([...invites, 'no invitation'])
  switch (random.below(8)) {
    case 0:
      invites.push(id)
      return {
        ...common,
        control: 'invite',
        body: { link: one(['link 1', 'link 2']), uses: 1 + random.below(2), expiresAt: random.below(14) },
      }
    case 1:
      invites.push(id)
      return { ...common, control: 'invite', body: { key: one(KEYS), expiresAt: random.below(14) } }
    case 2:
      return { ...common, control: 'join', body: { invite, link: one(['link 1', 'link 2']), proof: '' } }
    case 3:
      return { ...common, control: 'join', body: one([{}, { invite }]) }
    case 4:
      return {
        ...common,
        control: 'approve',
        body: { key: one(KEYS), ...one([{}, { role: 'owner' as const }, { role: 'member' as const }]) },
      }
    case 5:
      return { ...common, control: 'leave', body: {} }
    case 6:
      return { ...common, control: 'remove', body: { key: one(KEYS) } }
    default:
      return { ...common, control: one(['remove'] as const), body: one([{ key: one(KEYS) }, { invite }]) }
  }
}

function anyControls(random: Random, count: number): Control[] {
  const invites: string[] = []
  return Array.from({ length: count }, (_, i) => anyControl(random, `id ${i}`, invites))
}

/** Whether a control message can make a key what it is. */
function isDue(role: Role, { key, cause, effective }: { key: string; cause: Control | undefined; effective: Control[] }): boolean {
  switch (role) {
    case 'owner':
      return cause?.control === 'approve' && cause.key === 'creator'
    case 'member':
      return cause?.control === 'approve' || (cause?.control === 'join' && 'invite' in cause.body)
    case 'pending':
    case 'left':
      // Nobody else can say this.
      return cause?.key === key
    case 'removed':
      return !effective.some((other) => other.control === 'join' && other.key === key && other.sentAt > (cause?.sentAt ?? 0))
  }
}

describe('whatever anybody signs', () => {
  it('is folded to the same in every order', () => {
    for (let seed = 1; seed <= 60; seed++) {
      const controls = anyControls(new Random(seed), 5)
      const expected = plain(foldMembership('creator', controls))
      for (const order of permutations(controls)) expect(plain(foldMembership('creator', order)), `seed ${seed}`).toEqual(expected)
    }
    for (let seed = 1; seed <= 300; seed++) {
      const random = new Random(seed)
      const controls = anyControls(random, 60)
      const expected = plain(foldMembership('creator', controls))
      for (let i = 0; i < 5; i++) expect(plain(foldMembership('creator', shuffled(controls, random))), `seed ${seed}`).toEqual(expected)
    }
  })

  it('gives nobody what an owner did not', () => {
    let members = 0
    for (let seed = 1; seed <= 2_000; seed++) {
      const random = new Random(seed)
      const controls = anyControls(random, 40)
      const byId = new Map(controls.map((control) => [control.id, control]))
      const folded = foldMembership('creator', controls)
      const effective = controls.filter(({ id }) => !folded.refusals.has(id))
      expect(folded.members.get('creator')).toEqual({ role: 'owner', since: 0, by: undefined })
      for (const [key, { role, by }] of folded.members) {
        if (key === 'creator') continue
        const cause = byId.get(by ?? '')
        if (role === 'member') members++
        expect(isDue(role, { key, cause, effective }), `seed ${seed}: ${key} is ${role}`).toBe(true)
      }
      for (const { control, id, body } of controls) {
        if (control !== 'invite' || !('uses' in body)) continue
        const used = effective.filter((other) => other.control === 'join' && 'invite' in other.body && other.body.invite === id)
        expect(used.length).toBeLessThanOrEqual(body.uses)
      }
    }
    expect(members).toBeGreaterThan(500)
  })

  it('by somebody who never was an owner changes only what becomes of that key itself', () => {
    for (let seed = 1; seed <= 500; seed++) {
      const controls = anyControls(new Random(seed), 30).filter(({ key }) => key !== 'creator')
      expect([...foldMembership('creator', controls).members.values()].map(({ role }) => role)).not.toContain('member')
    }
  })
})

it('the committed vectors are what the generator writes', () => {
  const fresh = mkdtempSync(join(tmpdir(), 'dred-membership-'))
  onTestFinished(() => rmSync(fresh, { recursive: true }))
  execFileSync(process.execPath, [join(vectorFolder, 'generate-membership.ts'), fresh])
  expect(readFileSync(join(fresh, 'membership.json'), 'utf8')).toBe(readFileSync(join(vectorFolder, 'membership.json'), 'utf8'))
})
