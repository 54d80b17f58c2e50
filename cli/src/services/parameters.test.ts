import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { zeroAddress } from 'viem'
import { afterAll, expect, test } from 'vitest'
import { admissionOf, attestersOf, changeParameters, defaultParameters, hashOf } from './parameters.ts'
import { createServerKey } from './server-key.ts'

const folder = mkdtempSync(join(tmpdir(), 'dred-parameters-'))
afterAll(() => rmSync(folder, { recursive: true }))

const account = (digit: string) => `0x${digit.repeat(40)}` as const
const base = { stakeToken: account('1'), minStake: 5n, ...defaultParameters }

test('flags change parameters and leave the others as they are', () => {
  expect(changeParameters(base, {}, 6)).toEqual(base)
  const flags = { 'min-stake': '1.5', unbonding: '2d', 'key-overlap': '0', quorum: '3/4', 'attested-by': 'peers', 'slash-percent': 100 }
  expect(changeParameters(base, flags, 6)).toEqual({
    ...base,
    minStake: 1_500_000n,
    unbondingSeconds: 172_800,
    keyOverlapSeconds: 0,
    quorumNumerator: 3,
    quorumDenominator: 4,
    attestation: 1,
    slashPercent: 100,
  })
  for (const quorum of ['2', '2/', '-1/2', '66%', '300/400']) expect(() => changeParameters(base, { quorum }, 6)).toThrow('--quorum')
  expect(() => changeParameters(base, { attestation: 'long' }, 6)).toThrow('--attestation')
})

test('a token gate has a token, and nothing else has', () => {
  expect(admissionOf({ admission: 'open' })).toEqual({ mode: 0, gateToken: zeroAddress, gateBalance: 0n })
  expect(admissionOf({ admission: 'allowlist' })).toEqual({ mode: 1, gateToken: zeroAddress, gateBalance: 0n })
  const gate = { admission: 'token-gate', 'gate-token': account('2') }
  expect(admissionOf(gate)).toEqual({ mode: 2, gateToken: account('2'), gateBalance: 1n })
  expect(admissionOf({ ...gate, 'gate-balance': '10' })).toMatchObject({ gateBalance: 10n })
  expect(() => admissionOf({ admission: 'token-gate' })).toThrow('--gate-token')
  expect(() => admissionOf({ admission: 'open', 'gate-balance': '1' })).toThrow('token-gate')
  expect(() => admissionOf({ ...gate, 'gate-balance': '1.5' })).toThrow('--gate-balance')
})

test('attesters are named by their key or its file, in the order of their accounts', async () => {
  const file = join(folder, 'attester.pem')
  const { keyId } = await createServerKey(file)
  const attesters = await attestersOf([`${account('9')}:${file}`, `${account('1')}:${account('7')}`])
  expect(attesters).toEqual([
    { account: account('1'), keyId: account('7') },
    { account: account('9'), keyId },
  ])
  for (const bad of ['', 'x', account('1'), `${account('1')}:`, `nobody:${keyId}`]) {
    await expect(attestersOf([bad])).rejects.toMatchObject({ code: 'invalid_value', exitCode: 2 })
  }
  await expect(attestersOf([`${account('1')}:absent.pem`])).rejects.toMatchObject({ code: 'key_file', exitCode: 4 })
})

test('a hash is 32 bytes', () => {
  expect(hashOf(`0x${'ab'.repeat(32)}`, 'content-hash')).toBe(`0x${'ab'.repeat(32)}`)
  for (const bad of ['', '0x', '0xab', 'ab'.repeat(32)]) expect(() => hashOf(bad, 'content-hash')).toThrow('--content-hash')
})
