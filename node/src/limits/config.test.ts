import { expect, test } from 'vitest'
import { Fields } from '../config-fields.ts'
import { defaultLimits, readLimits } from './config.ts'

function read(raw: unknown) {
  const problems: string[] = []
  return { limits: readLimits(new Fields(raw, 'limits', problems)), problems }
}

test('what is not set has its default, and any bucket can be turned off', () => {
  expect(read({})).toEqual({ limits: defaultLimits, problems: [] })
  expect(read({ device: false, channel: { burst: 5 }, connections: { perAddress: 9 } })).toEqual({
    limits: {
      ...defaultLimits,
      device: false,
      channel: { burst: 5, perSecond: defaultLimits.channel && defaultLimits.channel.perSecond },
      connections: { total: defaultLimits.connections.total, perAddress: 9 },
    },
    problems: [],
  })
})

test('tells what is wrong', () => {
  expect(read({ devise: {}, wallet: { burst: 0, persecond: 1 }, requests: false }).problems).toEqual([
    'limits.wallet.burst has to be a whole number from 1 to 1000000000',
    'limits.wallet.persecond is not a setting; did you mean limits.wallet.perSecond?',
    'limits.requests has to be a table',
    'limits.devise is not a setting; did you mean limits.device?',
  ])
})
