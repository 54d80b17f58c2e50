import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { execFileSync } from 'node:child_process'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import type cursorsFile from '../vectors/cursors.json'
import type ed25519File from '../vectors/ed25519.json'
import type genesisFile from '../vectors/genesis.json'
import type messagesFile from '../vectors/messages.json'
import type vectorsFile from '../vectors/version-vectors.json'
import { decodeCursor, encodeCursor } from './cursor.ts'
import { verifySignature } from './ed25519.ts'
import { DredError } from './errors.ts'
import { verifyGenesis } from './genesis.ts'
import { verifyCanonicalMessage, verifyMessage } from './message.ts'
import { VersionVector, type VersionVectorData } from './version-vector.ts'

const folder = join(import.meta.dirname, '../vectors')

/** Parsed from text, as an implementation in another language would: an imported module mistreats the name `__proto__`. */
const read = <T>(file: string): T => JSON.parse(readFileSync(join(folder, file), 'utf8')) as T
const messages = read<typeof messagesFile>('messages.json')
const geneses = read<typeof genesisFile>('genesis.json')
const signatures = read<typeof ed25519File>('ed25519.json')
const vectors = read<typeof vectorsFile>('version-vectors.json')
const cursors = read<typeof cursorsFile>('cursors.json')

/** The `code` that a check ends with; undefined when it passes. */
async function codeOf(check: () => unknown): Promise<string | undefined> {
  try {
    await check()
    return undefined
  } catch (error) {
    if (error instanceof DredError) return error.code
    throw error
  }
}

describe('messages', () => {
  it.each(messages.valid)('accepts $name', async ({ channel, body, canonical, id, sig }) => {
    // Read as a server reads it: from JSON text.
    const verified = await verifyMessage(channel, JSON.parse(JSON.stringify(body)))
    expect(verified).toMatchObject({ id, channel, canonical, sig })
    await expect(verifyCanonicalMessage(canonical, sig)).resolves.toEqual(verified)
  })

  it.each(messages.invalid)('refuses $name', async ({ channel, error, ...source }) => {
    const body: unknown =
      'repeat' in source && source.repeat
        ? { ...source.repeat.body, message: source.repeat.character.repeat(source.repeat.times) }
        : 'bodyText' in source && source.bodyText
          ? JSON.parse(source.bodyText)
          : source.body
    expect(await codeOf(() => verifyMessage(channel, body))).toBe(error)
  })

  it.each(['not json', '[]', '{}', '{"channel":"x","v":2}'])('refuses signed bytes that are %s', async (text) => {
    expect(await codeOf(() => verifyCanonicalMessage(text, 'A'.repeat(86)))).toBe('malformed_message')
  })

  it('refuses signed bytes that are not in canonical form', async () => {
    const [{ canonical, sig } = { canonical: '', sig: '' }] = messages.valid
    expect(await codeOf(() => verifyCanonicalMessage(canonical.replace('{', '{ '), sig))).toBe('malformed_message')
  })
})

describe('signatures about which implementations differ', () => {
  const verified = ({ key, sig, bytes }: { key: string; sig: string; bytes: string }) =>
    codeOf(() => verifySignature(key, sig, Uint8Array.from(Buffer.from(bytes, 'hex'))))

  it.each(signatures.valid)('accepts $name', async (vector) => {
    expect(await verified(vector)).toBeUndefined()
  })

  it.each(signatures.invalid)('refuses $name', async (vector) => {
    expect(await verified(vector)).toBe('invalid_signature')
  })
})

describe('genesis', () => {
  it.each(geneses.valid)('accepts $name', async ({ body, canonical, id }) => {
    await expect(verifyGenesis(body, id)).resolves.toMatchObject({ id, canonical })
  })

  it.each(geneses.invalid)('refuses $name', async ({ id, body, error }) => {
    expect(await codeOf(() => verifyGenesis(body, id))).toBe(error)
  })

  it('catches a changed one by its signature when there is no id to hold it against', async () => {
    const [{ body } = { body: {} }] = geneses.valid
    expect(await codeOf(() => verifyGenesis({ ...body, name: 'another' }))).toBe('invalid_signature')
  })
})

describe('version vectors', () => {
  const from = (data: object) => VersionVector.from(data as VersionVectorData)

  it.each(vectors.merge)('merges: $name', ({ a, b, merged }) => {
    const left = from(a)
    left.merge(from(b))
    expect(left.toData()).toEqual(merged)
    const right = from(b)
    right.merge(from(a))
    expect(right.toData()).toEqual(merged)
    expect(left.covers(from(a)) && left.covers(from(b))).toBe(true)
  })

  it.each(vectors.missing)('finds what is missing: $name', ({ here, there, ranges }) => {
    expect(from(here).missing(from(there))).toEqual(ranges)
    expect(from(here).covers(from(there))).toBe(ranges.length === 0)
  })

  it.each(vectors.invalid)('refuses: $name', async ({ data }) => {
    expect(await codeOf(() => from(data))).toBe('malformed_request')
  })
})

describe('cursors', () => {
  const { channel } = cursors

  it.each(cursors.valid)('encodes and decodes: $name', ({ vector, cursor }) => {
    expect(encodeCursor(channel, VersionVector.from(vector as VersionVectorData))).toBe(cursor)
    expect(decodeCursor(channel, cursor).toData()).toEqual(vector)
  })

  it.each(cursors.invalid)('refuses: $name', async ({ cursor, error }) => {
    expect(await codeOf(() => decodeCursor(channel, cursor))).toBe(error)
  })
})

describe('the generated files', () => {
  const fresh = mkdtempSync(join(tmpdir(), 'dred-vectors-'))
  afterAll(() => rmSync(fresh, { recursive: true }))

  it('are what the generator writes', () => {
    for (const generator of ['generate.ts', 'generate-ed25519.ts']) execFileSync(process.execPath, [join(folder, generator), fresh])
    for (const file of ['messages.json', 'genesis.json', 'ed25519.json', 'presence.json']) {
      expect(readFileSync(join(fresh, file), 'utf8')).toBe(readFileSync(join(folder, file), 'utf8'))
    }
  })
})
