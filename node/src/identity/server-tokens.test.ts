import { generateKeyPairSync, sign } from 'node:crypto'
import { base64url, exportJWK, SignJWT } from 'jose'
import { beforeEach, describe, expect, it } from 'vitest'
import type { ServerKey } from '../chain/server-key.ts'
import { MemoryRegistry, registeredServer } from '../testing/registry-view.ts'
import { newServerKey } from '../testing/server-key.ts'
import { ServerTokens, type TokenType } from './server-tokens.ts'

const now = 1_700_000_000_500
let registry: MemoryRegistry
let keys: [ServerKey, ServerKey]
let tokens: [ServerTokens, ServerTokens]

const words = ({ keyX, keyY, keyId }: ServerKey) => ({ keyX, keyY, keyId })

beforeEach(async () => {
  keys = [await newServerKey(), await newServerKey()]
  registry = new MemoryRegistry([registeredServer(1, words(keys[0])), registeredServer(2, words(keys[1]))])
  registry.time = () => Math.floor(now / 1_000)
  const of = (id: number, key: ServerKey) => new ServerTokens({ registry, self: { id }, key, now: () => now })
  tokens = [of(1, keys[0]), of(2, keys[1])]
})

const issue = async (type: TokenType, lifeMs = 60_000) => (await tokens[0].sign(type, { sub: 'device', wallet: '0x12' }, lifeMs)).token

describe('a token', () => {
  it('says what was signed, and ends at a whole second', async () => {
    const { token, expiresAt } = await tokens[0].sign('session', { sub: 'device', wallet: '0x12' }, 60_000)
    expect(expiresAt).toBe(1_700_000_060_000)
    expect(await tokens[0].read('session', token)).toMatchObject({ claims: { sub: 'device', wallet: '0x12' }, expired: false })
    expect(await tokens[0].read('session', await issue('session', 400))).toMatchObject({ expired: true })
  })

  it('is of its type only', async () => {
    const types: TokenType[] = ['challenge', 'session', 'capability']
    for (const type of types) {
      for (const read of types) expect((await tokens[0].read(read, await issue(type))) !== undefined).toBe(type === read)
    }
  })

  it('is for its server, and a capability for all', async () => {
    expect(await tokens[1].read('session', await issue('session'))).toBeUndefined()
    expect(await tokens[1].read('challenge', await issue('challenge'))).toBeUndefined()
    expect(await tokens[1].read('capability', await issue('capability'))).toMatchObject({ claims: { sub: 'device' } })
  })

  it('holds with a former key of its server as long as that is accepted', async () => {
    const [session, capability] = [await issue('session'), await issue('capability')]
    const next = await newServerKey()
    const [, second] = registry.servers()
    if (!second) throw new Error('two servers')
    const rotated = new ServerTokens({ registry, self: { id: 1 }, key: next, now: () => now })
    const rotate = (acceptedUntil: number): void =>
      registry.set([registeredServer(1, { ...words(next), formerKeys: [{ ...words(keys[0]), acceptedUntil }] }), second])
    rotate(1_700_000_000)
    expect(await rotated.read('session', session)).toBeDefined()
    expect(await tokens[1].read('capability', capability)).toBeDefined()
    rotate(1_699_999_999)
    expect(await rotated.read('session', session)).toBeUndefined()
    expect(await tokens[1].read('capability', capability)).toBeUndefined()
  })

  it.each(['exiting', 'withdrawn', 'slashed'] as const)('does not hold of a server that is %s', async (status) => {
    const capability = await issue('capability')
    const [first, second] = registry.servers()
    if (!first || !second) throw new Error('two servers')
    registry.set([{ ...first, status }, second])
    expect(await tokens[1].read('capability', capability)).toBeUndefined()
  })

  it('is not issued in the name of another server, nor of another neighborhood', async () => {
    const capability = await issue('capability')
    const posing = new ServerTokens({ registry, self: { id: 2 }, key: keys[0], now: () => now })
    expect(await tokens[1].read('capability', (await posing.sign('capability', { sub: 'device' }, 60_000)).token)).toBeUndefined()
    const elsewhere = new MemoryRegistry([...registry.servers()], '2')
    expect(
      await new ServerTokens({ registry: elsewhere, self: { id: 2 }, key: keys[1], now: () => now }).read('capability', capability),
    ).toBeUndefined()
  })

  it('is signed, with ES256 and a key of the registry', async () => {
    const [header = '', payload = '', signature = ''] = (await issue('session')).split('.')
    const altered = (part: string, fields: object) =>
      base64url.encode(JSON.stringify({ ...(JSON.parse(Buffer.from(part, 'base64url').toString()) as object), ...fields }))
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' })
    const signed = (text: string) => base64url.encode(sign('sha256', Buffer.from(text), { key: privateKey, dsaEncoding: 'ieee-p1363' }))
    const claims = JSON.parse(Buffer.from(payload, 'base64url').toString()) as Record<string, unknown>
    const jwk = altered(header, { jwk: await exportJWK(publicKey) })
    const forged = [
      '',
      'x',
      'a.b.c',
      `${header}.${payload}`,
      `${header}.${payload}.`,
      `${header}.${altered(payload, { sub: 'other' })}.${signature}`,
      `${header}.${payload}.${signed(`${header}.${payload}`)}`,
      `${jwk}.${payload}.${signed(`${jwk}.${payload}`)}`,
      `${altered(header, { alg: 'none' })}.${payload}.`,
      `${altered(header, { kid: `0x${'00'.repeat(20)}` })}.${payload}.${signature}`,
      await new SignJWT(claims)
        .setProtectedHeader({ alg: 'HS256', typ: 'dred-session+jwt', kid: keys[0].keyId })
        .sign(Buffer.from(keys[0].keyX.slice(2), 'hex')),
    ]
    for (const token of forged) expect(await tokens[0].read('session', token)).toBeUndefined()
  })

  it('does not hold of a key that is no point of the curve', async () => {
    const capability = await issue('capability')
    const [, second] = registry.servers()
    if (!second) throw new Error('two servers')
    registry.set([registeredServer(1, { ...words(keys[0]), keyX: `0x${'11'.repeat(32)}` }), second])
    expect(await tokens[1].read('capability', capability)).toBeUndefined()
  })
})
