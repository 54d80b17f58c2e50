import { describe, expect, it } from 'vitest'
import { readVectors } from '../vectors/json.ts'
import { verifySignature } from './ed25519.ts'
import { utf8 } from './encoding.ts'
import { DredError } from './errors.ts'
import { type Presence, presenceEndsAt, verifyPresence, verifyPresenceText } from './presence.ts'

const vectors = readVectors<{
  valid: { name: string; channel: string; body: Presence; signed: string; text: string }[]
  invalid: { name: string; channel: string; body: unknown; error: string }[]
}>('presence.json')

async function codeOf(check: Promise<unknown>): Promise<string | undefined> {
  const error: unknown = await check.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  if (error === undefined || error instanceof DredError) return error?.code
  throw error
}

describe('leases', () => {
  it.each(vectors.valid)('sign what the vectors say: $name', async ({ body, signed }) => {
    await expect(verifySignature(body.key, body.sig, utf8(signed))).resolves.toBeUndefined()
    await expect(verifySignature(body.key, body.sig, utf8(`${signed} `))).rejects.toThrow('signature')
  })

  it.each(vectors.valid)('are taken: $name', async ({ channel, body, text }) => {
    const verified = { channel, presence: body, text }
    expect(await verifyPresence(channel, body)).toEqual(verified)
    expect(await verifyPresenceText(text)).toEqual(verified)
  })

  it.each(vectors.invalid)('are refused: $name', async ({ channel, body, error }) => {
    expect(await codeOf(verifyPresence(channel, body))).toBe(error)
    expect(await codeOf(verifyPresenceText(JSON.stringify({ channel, ...(body as object) })))).toBe(error)
  })

  it.each(['', '[]', 'null', '{}', '{"channel":"x"}', 'no JSON'])('are not what servers pass on as %j', async (text) => {
    expect(await codeOf(verifyPresenceText(text))).toBe('malformed_statement')
  })

  it('have one text only', async () => {
    const [{ text } = { text: '' }] = vectors.valid
    expect(await codeOf(verifyPresenceText(text.replace('{', '{ ')))).toBe('malformed_statement')
  })

  it('that say that a device is gone hold as long as what they take back could', () => {
    const lease = { key: '', sig: '', sentAt: 1_000, ttlMs: 10 }
    expect([presenceEndsAt(lease), presenceEndsAt({ ...lease, gone: true })]).toEqual([1_010, 31_000])
  })
})
