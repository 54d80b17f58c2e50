import { type DelegationFields, delegationNonce, delegationText, DredError } from '@dred/protocol'
import { describe, expect, it } from 'vitest'
import { type DelegationRules, readDelegation } from './siwe.ts'

const ref = { chainId: 31_337, serverRegistry: '0x00000000000000000000000000000000000000AA', neighborhood: '7' }
const key = 'A'.repeat(43)
const now = 1_700_000_000_000
const DAY = 86_400_000
const fields: DelegationFields = {
  address: '0x70997970C51812dc3A010C7d01b50e0d17dc79C8',
  domain: 'poker.example',
  uri: 'https://poker.example/table',
  issuedAt: now - 1_000,
  expiresAt: now + DAY,
}
const rules: DelegationRules = { ref, key, now, domains: [] }
const text = delegationText(ref, key, fields)

function reason(message: string, changed: Partial<DelegationRules> = {}): string {
  try {
    readDelegation(message, { ...rules, ...changed })
    return 'taken'
  } catch (error) {
    if (error instanceof DredError && error.code === 'delegation_refused') return error.detail ?? ''
    throw error
  }
}

const replaced = (from: string | RegExp, to: string): string => {
  const changed = text.replace(from, to)
  expect(changed).not.toBe(text)
  return changed
}

describe('a delegation', () => {
  it('names wallet and times', () => {
    const wallet = fields.address.toLowerCase()
    expect(readDelegation(text, rules)).toEqual({ wallet, issuedAt: now - 1_000, expiresAt: now + DAY })
    expect(reason(text, { domains: ['other.example', 'poker.example'] })).toBe('taken')
  })

  it('may come from a program on a port, with other statements, dates and more resources', () => {
    expect(reason(delegationText(ref, key, { ...fields, domain: 'localhost:5173', uri: 'http://localhost:5173' }))).toBe('taken')
    expect(reason(replaced('Let this device act for me in Dred.', 'Play poker.'))).toBe('taken')
    expect(reason(replaced('Let this device act for me in Dred.\n', ''))).toBe('taken')
    expect(reason(replaced(/Issued At: .*/, 'Issued At: 2023-11-14T22:13:20+00:00'))).toBe('taken')
    expect(reason(`${text}\n- https://poker.example/terms`)).toBe('taken')
    expect(reason(replaced(/^poker/, 'https://poker'))).toBe('taken')
  })

  const refused: [name: string, text: string, changed: Partial<DelegationRules>, reason: RegExp][] = [
    ['another domain than the operator takes', text, { domains: ['other.example'] }, /domain/],
    ['a URI of another domain', replaced('URI: https://poker.example', 'URI: https://evil.example'), {}, /URI/],
    ['another version', replaced('Version: 1', 'Version: 2'), {}, /version 1/],
    ['another chain', replaced('Chain ID: 31337', 'Chain ID: 1'), {}, /chain 1,/],
    ['another nonce', replaced(/Nonce: .{4}/, 'Nonce: abcd'), {}, /nonce/],
    ['the nonce of another device', replaced(/Nonce: .*/, `Nonce: ${delegationNonce(ref, 'B'.repeat(43))}`), {}, /nonce/],
    ['another neighborhood', text, { ref: { ...ref, neighborhood: '8' } }, /resources do not name dred:neighborhood/],
    ['another registry', text, { ref: { ...ref, serverRegistry: `0x${'bb'.repeat(20)}` } }, /resources do not name dred:neighborhood/],
    ['another device', text, { key: 'B'.repeat(43) }, /device key/],
    ['no device among the resources', replaced(/\n- dred:device:.*/, ''), {}, /device key/],
    ['no resources', replaced(/\nResources:[^]*/, ''), {}, /resources/],
    ['no expiration time', replaced(/\nExpiration Time: .*/, ''), {}, /no expiration time/],
    ['an expiration time that is none', replaced(/\nExpiration Time: .*/, '\nExpiration Time: soon'), {}, /EIP-4361|no expiration time/],
    ['a time that is over', text, { now: now + DAY }, /has expired/],
    ['more than 30 days', delegationText(ref, key, { ...fields, expiresAt: now + 30 * DAY }), {}, /30 days/],
    ['an issue in the future', text, { now: now - 1_000 - 300_001 }, /not issued yet/],
    [
      'a time before which it does not hold',
      replaced(/\nResources/, `\nNot Before: ${new Date(now + 1).toISOString()}\nResources`),
      {},
      /does not hold yet/,
    ],
    ['something in front', `Sign this:\n${text}`, {}, /EIP-4361/],
    ['something behind', `${text}\nand more`, {}, /EIP-4361/],
    ['lines in between', replaced('\nURI: ', '\nI agree to other things.\nURI: '), {}, /EIP-4361/],
    ['an address without its checksum', replaced(fields.address, fields.address.toLowerCase()), {}, /EIP-4361/],
    ['nothing of the kind', 'hello', {}, /EIP-4361/],
  ]
  it.each(refused)('is refused with %s', (...[, message, changed, expected]) => {
    expect(reason(message, changed)).toMatch(expected)
  })

  it('holds from the time that it names on', () => {
    expect(reason(replaced(/\nResources/, `\nNot Before: ${new Date(now).toISOString()}\nResources`))).toBe('taken')
  })
})
