import { expect, test } from 'vitest'
import { addressKey } from './address.ts'

test.for([
  ['192.0.2.1', '192.0.2.1'],
  ['::ffff:192.0.2.1', '192.0.2.1'],
  ['::FFFF:192.0.2.1', '192.0.2.1'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
  ['2001:0DB8:0001:0002::1', '2001:db8:1:2::/64'],
  ['2001:db8::', '2001:db8:0:0::/64'],
  ['::1', '0:0:0:0::/64'],
  ['::', '0:0:0:0::/64'],
  ['fe80::1%eth0', 'fe80:0:0:0::/64'],
  ['64:ff9b::192.0.2.33', '64:ff9b:0:0::/64'],
] as const)('%s counts as %s', ([ip, key]) => {
  expect(addressKey(ip)).toBe(key)
})

test('however an address is written, it is the same network', () => {
  for (let i = 0; i < 5_000; i++) {
    const groups = Array.from({ length: 8 }, () => (Math.random() < 0.4 ? 0 : Math.floor(Math.random() * 65_535)))
    const expected = `${groups
      .slice(0, 4)
      .map((group) => group.toString(16))
      .join(':')}::/64`
    const long = groups.map((group) => group.toString(16).padStart(4, '0')).join(':')
    // The shortest way to write it.
    const short = new URL(`http://[${long}]/`).hostname.slice(1, -1)
    expect([long, addressKey(long)]).toEqual([long, expected])
    expect([short, addressKey(short)]).toEqual([short, expected])
    expect(addressKey(long.toUpperCase())).toBe(expected)
  }
})

test('nothing that a proxy may pass on as an address breaks it or grows', () => {
  const parts = [':', '::', '.', '%', 'f', '0', 'ffff', '1.2', 'unknown', '_', '\u0000', 'é', '[', ']', ' ', '999999']
  for (let i = 0; i < 20_000; i++) {
    const text = Array.from({ length: Math.floor(Math.random() * 40) }, () => parts[Math.floor(Math.random() * parts.length)]).join('')
    expect(addressKey(text).length).toBeLessThanOrEqual(80)
  }
})
