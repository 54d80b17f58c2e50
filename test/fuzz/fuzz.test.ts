import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DredError, type ErrorCode } from '@dred/protocol'
import { describe, expect, test } from 'vitest'
import { judge } from './judge.ts'
import { fuzz, replay, savedRegressions, saveRegression } from './run.ts'

test('hostile input finds nothing, and whoever is honest is served meanwhile', async () => {
  const { cases, findings, kept, outcomes } = await fuzz({ cases: 2_000, seed: 1, target: 'all' })
  expect(findings).toEqual([])
  expect(Object.values(cases).reduce((sum, of) => sum + of, 0)).toBeGreaterThanOrEqual(2_000)
  expect(kept).toBeGreaterThan(0)
  // Input that nobody took, or that all was refused of, would show nothing.
  for (const outcome of [
    'http: 201',
    'http: invalid_signature',
    'message: taken',
    'frame: taken',
    'frame: malformed_frame',
    'http2: HEADERS',
  ]) {
    expect(outcomes).toHaveProperty([outcome])
  }
})

test('what failed once does not again', async () => {
  expect(await replay(savedRegressions())).toBe(savedRegressions().length)
})

test('a finding is kept with what makes it again', () => {
  const folder = mkdtempSync(join(tmpdir(), 'dred-regressions-'))
  const regression = { target: 'codecs', seed: 7, case: 9, failure: 'x' } as const
  saveRegression(regression, folder)
  expect(savedRegressions(folder)).toEqual([regression])
  rmSync(folder, { recursive: true })
})

describe('an answer is a finding', () => {
  const answer = (code: ErrorCode, status = new DredError(code).status, type = 'application/problem+json; charset=utf-8') => ({
    status,
    headers: { 'dred-version': '1', 'content-type': type },
    body: JSON.stringify(new DredError(code).toProblem()),
  })

  test('when the server failed, or says that its store did', () => {
    expect(judge(answer('unknown_channel'), 'describeChannel')).toBe('unknown_channel')
    expect(() => judge(answer('internal'), undefined)).toThrow('A healthy server answers')
    expect(() => judge(answer('store_unavailable'), 'publish')).toThrow('A healthy server answers')
  })

  test('when the route does not declare it', () => {
    expect(() => judge(answer('gate_not_met'), 'publish')).toThrow('publish answers gate_not_met')
  })

  test('when a message of a batch is refused as it would not be alone', () => {
    const refused = (code: ErrorCode) => {
      const { status, body } = answer(code)
      return { ...answer(code), status: 200, body: JSON.stringify({ results: [{ status, problem: JSON.parse(body) as unknown }] }) }
    }
    expect(judge(refused('invalid_signature'), 'publishBatch')).toBe('200')
    expect(() => judge(refused('gate_not_met'), 'publishBatch')).toThrow('publish answers gate_not_met')
    expect(() => judge(refused('internal'), 'publishBatch')).toThrow('A healthy server answers')
  })

  test('when it is no problem document, or a success of another shape', () => {
    expect(() => judge(answer('unknown_channel', 404, 'text/html'), 'publish')).toThrow('A problem of type text/html')
    expect(() => judge(answer('unknown_channel', 400), 'publish')).toThrow('unknown_channel with status 400')
    expect(() => judge({ ...answer('unknown_channel'), body: '<html>' }, 'publish')).toThrow('no JSON')
    expect(() => judge({ status: 200, headers: { 'dred-version': '1' }, body: '{"id":1}' }, 'publish')).toThrow('another shape')
  })
})
