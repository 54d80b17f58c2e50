import { expect, test } from 'vitest'
import { Fields } from '../config-fields.ts'
import { identityDefaults, readIdentity } from './config.ts'

function read(raw: unknown) {
  const problems: string[] = []
  return { identity: readIdentity(new Fields(raw, 'identity', problems)), problems }
}

test('what is not set has its default', () => {
  expect(read({})).toEqual({ identity: identityDefaults, problems: [] })
  const identity = { sessionMs: 60_000, capabilityMs: 900_000, domains: ['poker.example'] }
  expect(read(identity)).toEqual({ identity, problems: [] })
})

test('all problems are told together', () => {
  const { problems } = read({ sessionMs: 59_999, capabilityMs: 900_001, domains: 'poker.example', domain: 'poker.example' })
  const named = ['identity.sessionMs', 'identity.capabilityMs', 'identity.domains', 'identity.domain is not a setting']
  expect(problems.map((problem, at) => problem.startsWith(named[at] ?? ' '))).toEqual([true, true, true, true])
})
