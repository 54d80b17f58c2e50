import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Hex, recoverMessageAddress } from 'viem'
import { parseSiweMessage } from 'viem/siwe'
import { afterAll, describe, expect, it } from 'vitest'
import type identityFile from '../../vectors/identity.json'
import { verifySignature } from '../ed25519.ts'
import { describeMismatch } from '../validate.ts'
import { delegationNonce, delegationResources, delegationText } from './delegation.ts'
import { Revocation, revocationBytes, revocationText } from './revocation.ts'
import { sessionBytes } from './session.ts'

const folder = join(import.meta.dirname, '../../vectors')
const { ref, device, wallet, sessions, delegation, revocations } = JSON.parse(
  readFileSync(join(folder, 'identity.json'), 'utf8'),
) as typeof identityFile
const { key } = device

const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes)

async function isSigned(sig: string, bytes: Uint8Array<ArrayBuffer>): Promise<boolean> {
  return verifySignature(key, sig, bytes).then(
    () => true,
    () => false,
  )
}

/** Whether its signer signed a revocation. */
async function isRevoked(body: unknown): Promise<boolean> {
  expect(describeMismatch(Revocation, body)).toBeUndefined()
  const { sig, ...revocation } = body as Revocation
  if (revocation.by === 'device') return isSigned(sig, revocationBytes(ref, revocation))
  const signer = await recoverMessageAddress({ message: revocationText(ref, revocation), signature: sig as Hex })
  return signer.toLowerCase() === revocation.wallet
}

describe('sessions', () => {
  it.each(sessions.valid)('are opened at server $server', async ({ server, challenge, signed, sig }) => {
    const bytes = sessionBytes(ref, { server, key, challenge })
    expect(text(bytes)).toBe(signed)
    expect(await isSigned(sig, bytes)).toBe(true)
  })

  it.each(sessions.invalid)('are not opened by $name', async ({ server, challenge, sig }) => {
    expect(await isSigned(sig, sessionBytes(ref, { server, key, challenge }))).toBe(false)
  })
})

describe('a delegation', () => {
  const { nonce, resources, message, signature, ...fields } = delegation

  it('names neighborhood and device by nonce and resources', () => {
    expect(delegationNonce(ref, key)).toBe(nonce)
    expect(delegationResources(ref, key)).toEqual(resources)
    // However the address of the registry is written.
    expect(delegationNonce({ ...ref, serverRegistry: ref.serverRegistry.toUpperCase().replace('X', 'x') }, key)).toBe(nonce)
  })

  it('is an EIP-4361 text that the wallet signed', async () => {
    expect(delegationText(ref, key, fields)).toBe(message)
    const { address, domain, uri, issuedAt, expiresAt } = fields
    expect(parseSiweMessage(message)).toMatchObject({
      address,
      domain,
      uri,
      version: '1',
      chainId: ref.chainId,
      nonce,
      issuedAt: new Date(issuedAt),
      expirationTime: new Date(expiresAt),
      resources,
    })
    expect(await recoverMessageAddress({ message, signature: signature as Hex })).toBe(wallet.address)
  })
})

describe('revocations', () => {
  it.each(revocations.valid)('are taken $name', async ({ body, signed }) => {
    const { sig: _, ...revocation } = body as Revocation
    expect(revocation.by === 'device' ? text(revocationBytes(ref, revocation)) : revocationText(ref, revocation)).toBe(signed)
    expect(await isRevoked(body)).toBe(true)
  })

  it.each(revocations.invalid)('are not taken $name', async ({ body }) => expect(await isRevoked(body)).toBe(false))
})

describe('the generated file', () => {
  const fresh = mkdtempSync(join(tmpdir(), 'dred-identity-'))
  afterAll(() => rmSync(fresh, { recursive: true }))

  it('is what the generator writes', () => {
    execFileSync(process.execPath, [join(folder, 'generate-identity.ts'), fresh])
    expect(readFileSync(join(fresh, 'identity.json'), 'utf8')).toBe(readFileSync(join(folder, 'identity.json'), 'utf8'))
  })
})
