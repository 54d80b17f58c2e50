import { expect, it } from 'vitest'
import { Fields } from '../config-fields.ts'
import { readRetention } from './config.ts'

function read(raw: unknown): { config: unknown; problems: string[] } {
  const problems: string[] = []
  return { config: readRetention(new Fields(raw, 'retention', problems)), problems }
}

it('takes the bounds that are set, and none by itself', () => {
  const bounds = { maxMessages: 100, maxBytes: 1_048_576, totalMessages: 1_000, totalBytes: 16_777_216 }
  const all = { ...bounds, maxLifetimeMs: 60_000, maxIdleMs: 60_000, maxChannels: 1 }
  expect(read(all)).toEqual({ config: all, problems: [] })
  expect(read({})).toEqual({ config: {}, problems: [] })
})

it('refuses what would keep next to nothing, and what it does not know', () => {
  const { problems } = read({ maxMessages: 99, totalBytes: '1 GB', maxAge: 5 })
  expect(problems).toEqual([
    expect.stringContaining('retention.maxMessages has to be a whole number from 100'),
    expect.stringContaining('retention.totalBytes has to be a whole number from 16777216'),
    expect.stringContaining('retention.maxAge is not a setting'),
  ])
})
