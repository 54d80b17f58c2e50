import { signStatement } from '@dred/protocol/statements'
import { bytesToHex, type Hex, slice, zeroHash } from 'viem'
import { beforeAll, describe, expect, test } from 'vitest'
import type { StatementKey } from '../register.ts'
import { disagreement } from './attest.ts'
import {
  addVotes,
  type Ballot,
  castVote,
  type Finding,
  findingStruct,
  mergeBallots,
  type Poll,
  readBallots,
  writeBallots,
} from './ballots.ts'

const poll: Poll = { chainId: 1, complianceRegistry: `0x${'ab'.repeat(20)}`, neighborhood: 3, round: 5 }
const finding: Finding = { server: 7, endpoint: 'https://a.example', spkiHash: zeroHash, validUntil: 1_800_000_000, reportHash: zeroHash }
const word = (digit: string): Hex => `0x${digit.repeat(64)}`

let keys: StatementKey[]
beforeAll(async () => {
  keys = await Promise.all([newKey(), newKey()])
})

async function newKey(): Promise<StatementKey> {
  const { privateKey, publicKey } = await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, false, ['sign', 'verify'])
  const point = bytesToHex(new Uint8Array(await crypto.subtle.exportKey('raw', publicKey)))
  const sign = async (bytes: Uint8Array<ArrayBuffer>) =>
    new Uint8Array(await crypto.subtle.sign({ name: 'ECDSA', hash: 'SHA-256' }, privateKey, bytes))
  return { keyX: slice(point, 1, 33), keyY: slice(point, 33, 65), sign }
}

async function vote(attester: number, ballot: Ballot = { finding, votes: [] }): Promise<Ballot> {
  const key = keys[attester % keys.length]
  if (!key) throw new Error('There are two keys')
  return castVote(poll, ballot, { key, attester })
}

describe('votes', () => {
  test('come in ascending order, one of each attester', async () => {
    const ballot = await vote(2, await vote(9, await vote(1, await vote(2))))
    expect(ballot.votes.map(({ attester }) => attester)).toEqual([1, 2, 9])
    expect(addVotes(ballot, ballot.votes).votes).toHaveLength(3)
  })

  test('of several files are put together; of several findings they are not', async () => {
    const [first, second] = await Promise.all([vote(1), vote(2)])
    expect(
      mergeBallots([[first], [second]])
        .get(7)
        ?.votes.map(({ attester }) => attester),
    ).toEqual([1, 2])
    const other = await vote(2, { finding: { ...finding, validUntil: finding.validUntil - 1 }, votes: [] })
    expect(() => mergeBallots([[first], [other]])).toThrow(/server 7 are of different findings/)
    const another = await vote(2, { finding: { ...finding, server: 8, reportHash: word('1') }, votes: [] })
    expect([...mergeBallots([[first, another]]).keys()]).toEqual([7, 8])
  })

  test('reach the registry with the round and the hash of the endpoint', () => {
    const struct = findingStruct(poll, finding)
    expect(struct).toMatchObject({ neighborhood: 3, round: 5, server: 7, validUntil: finding.validUntil })
    expect(struct.endpointHash).toMatch(/^0x[0-9a-f]{64}$/)
    expect(struct).not.toHaveProperty('endpoint')
  })
})

describe('a file of votes', () => {
  test('is read as it was written', async () => {
    const ballots = [await vote(1, await vote(2))]
    expect(await readBallots(writeBallots(poll, ballots), 'votes.json', poll)).toEqual(ballots)
  })

  test.each<[string, (document: Record<string, unknown> & { ballots: (Finding & { votes: object[] })[] }) => object]>([
    ['its chainId', (document) => ({ ...document, chainId: 2 })],
    ['its complianceRegistry', (document) => ({ ...document, complianceRegistry: `0x${'cd'.repeat(20)}` })],
    ['its neighborhood', (document) => ({ ...document, neighborhood: 4 })],
    ['its round', (document) => ({ ...document, round: 6 })],
    ['no file of votes', (document) => ({ ...document, v: 2 })],
    ['not complete', (document) => ({ ...document, ballots: [{ ...document.ballots[0], spkiHash: '0x12' }] })],
    ['not complete', (document) => ({ ...document, ballots: [{ ...document.ballots[0], votes: [] }] })],
    ['did not sign', (document) => ({ ...document, ballots: [{ ...document.ballots[0], endpoint: 'https://b.example' }] })],
    ['did not sign', (document) => ({ ...document, ballots: [{ ...document.ballots[0], server: 8 }] })],
    ['did not sign', (document) => ({ ...document, ballots: [{ ...document.ballots[0], validUntil: 1_800_000_001 }] })],
    ['did not sign', (document) => ({ ...document, ballots: [{ ...document.ballots[0], reportHash: word('1') }] })],
    [
      'did not sign',
      ({ ballots: [ballot], ...document }) => ({ ...document, ballots: [{ ...ballot, votes: [{ ...ballot?.votes[0], attester: 2 }] }] }),
    ],
  ])('is refused when it was changed (%s)', async (why, change) => {
    const document = JSON.parse(writeBallots(poll, [await vote(1)]))
    await expect(readBallots(JSON.stringify(change(document)), 'votes.json', poll)).rejects.toMatchObject({
      code: 'votes_invalid',
      message: expect.stringContaining(why),
    })
  })

  test('is refused when it is none', async () => {
    await expect(readBallots('nonsense', 'votes.json', poll)).rejects.toThrow('it is not JSON')
    await expect(readBallots('[]', 'votes.json', poll)).rejects.toThrow('no file of votes')
  })

  test('with a signature of something else is refused', async () => {
    const [key] = keys
    if (!key) throw new Error('There are two keys')
    const { keyX, keyY } = key
    const foreign = { attester: 1, keyX, keyY, ...(await signStatement(key, new Uint8Array(66))) }
    await expect(readBallots(writeBallots(poll, [{ finding, votes: [foreign] }]), 'votes.json', poll)).rejects.toThrow('did not sign')
  })
})

describe('a finding of others', () => {
  const now = finding.validUntil - 1_000

  test('is agreed with when the same is seen, even later', () => {
    expect(disagreement(finding, finding, now)).toBeUndefined()
    expect(disagreement(finding, { ...finding, validUntil: finding.validUntil + 60 }, now)).toBeUndefined()
  })

  test.each<[string, Partial<Finding>]>([
    ['examined at', { endpoint: 'https://b.example' }],
    ['certificate key', { spkiHash: word('1') }],
    ['another report', { reportHash: word('1') }],
    ['longer than', { validUntil: finding.validUntil - 1 }],
  ])('is not when something else is seen (%s)', (why, seen) => {
    expect(disagreement(finding, { ...finding, ...seen }, now)).toContain(why)
  })

  test('is not when it is over', () => {
    expect(disagreement(finding, finding, finding.validUntil)).toContain('held only until')
  })
})
