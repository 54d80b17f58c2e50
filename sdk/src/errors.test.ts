import { readFileSync } from 'node:fs'
import { DredError } from '@dred/protocol'
import { describe, expect, it } from 'vitest'
import { clientErrors, DredClientError, toClientError } from './errors.ts'

describe('DredClientError', () => {
  it('knows what its code means and where that is explained', () => {
    const refused = new DredClientError('rate_limited', { server: 'https://a.example/' })
    expect(refused).toMatchObject({ retryable: true, message: 'Too many requests', docsUrl: 'https://a.example/problems/rate_limited' })
    expect(new DredClientError('aborted')).toMatchObject({ retryable: false, docsUrl: '@dred/sdk/README.md#aborted' })
  })

  it('is explained in the README, code by code', () => {
    const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')
    const explained = [...readme.matchAll(/<a id="(\w+)"><\/a>`\1`/g)].map(([, code]) => code)
    expect(explained).toEqual(Object.keys(clientErrors))
  })

  it('walks to a cause, or to the innermost', () => {
    const innermost = new TypeError('fetch failed')
    const network = new DredClientError('network', { cause: innermost })
    const error = new DredClientError('timeout', { cause: network })
    expect(error.walk()).toBe(innermost)
    expect(error.walk((cause) => cause instanceof DredClientError && cause.code === 'network')).toBe(network)
    expect(error.walk((cause) => cause instanceof RangeError)).toBeUndefined()
  })

  it('keeps the code of a protocol error, and gives any other thing the fallback', () => {
    const cause = new DredError('cursor_expired', { oldest: 'c' })
    expect(toClientError(cause, 'network')).toMatchObject({ code: 'cursor_expired', oldest: 'c', cause })
    expect(toClientError('what', 'network')).toMatchObject({ code: 'network', cause: 'what' })
  })
})
