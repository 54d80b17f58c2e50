import { expect, test } from 'vitest'
import { Membership, reporter } from './membership.ts'
import { MemoryRegistry, registeredServer } from './testing/registry-view.ts'

const self = registeredServer(1)
const { keyX, keyY, keyId } = registeredServer(9)

test('every change is logged once, at the level that it deserves', () => {
  const registry = new MemoryRegistry([{ ...self, status: 'pending', validUntil: 0 }])
  const membership = new Membership(registry, { server: 1, keyId: self.keyId })
  const logged: [level: string, state: unknown, message: string][] = []
  const at = (level: string) => (fields: object, message: string) => {
    logged.push([level, 'state' in fields ? fields.state : undefined, message])
  }
  const report = reporter({ debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') })
  const say = () => report(membership.standing())
  const acceptedUntil = registry.time() + 60
  say()
  say()
  for (const server of [
    self,
    { ...self, validUntil: 1 },
    { ...self, keyX, keyY, keyId, formerKeys: [{ ...self, acceptedUntil }] },
    { ...self, keyX, keyY, keyId, formerKeys: [{ ...self, acceptedUntil: 1 }] },
    { ...self, status: 'slashed' as const },
  ]) {
    registry.set([server])
    say()
    say()
  }
  registry.set([])
  say()
  const serving = 'serving, but not as an attested server with its present key'
  expect(logged).toEqual([
    ['warn', 'pending', serving],
    ['info', 'active', 'serving as an attested server'],
    ['warn', 'lapsed', serving],
    ['warn', 'active', serving],
    ['error', 'active', 'not serving'],
    ['error', 'slashed', 'not serving'],
    ['error', 'unknown', 'not serving'],
  ])
})

test('a key that never was the server’s speaks for it as little as one that ended', () => {
  const membership = new Membership(new MemoryRegistry([self]), { server: 1, keyId })
  expect(membership.standing()).toMatchObject({ serves: false, member: true, key: { ok: false, acceptedUntil: 0 } })
  expect(() => membership.assertServing()).toThrow('not a key of server 1')
})
