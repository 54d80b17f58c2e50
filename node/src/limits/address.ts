/** A name longer than any address comes from a proxy that passes on what it was told. */
const LONGEST = 64

/**
 * What the limits of an address count by: an IPv4 address, of IPv6 the network of 64 bits that one subscriber has. Anything else stands
 * for itself.
 */
export function addressKey(ip: string): string {
  if (!ip.includes(':')) return ip.slice(0, LONGEST)
  const mapped = /^::ffff:([0-9.]+)$/i.exec(ip)?.[1]
  if (mapped !== undefined) return mapped.slice(0, LONGEST)
  const [address = ''] = ip.slice(0, LONGEST).split('%')
  return `${networkOf(address).join(':')}::/64`
}

/** The first four groups, however they are written. */
function networkOf(address: string): string[] {
  const [head = '', tail] = address.split('::')
  const before = groupsOf(head)
  const after = tail === undefined ? [] : groupsOf(tail)
  const zeros = tail === undefined ? 0 : Math.max(0, 8 - before.length - after.length)
  return [...before, ...Array<string>(zeros).fill('0'), ...after].slice(0, 4).map(withoutLeadingZeros)
}

/** Dotted decimals at the end count as two groups, which are never among the first four of an address of eight. */
function groupsOf(text: string): string[] {
  if (text === '') return []
  return text.split(':').flatMap((group) => (group.includes('.') ? ['0', '0'] : [group]))
}

function withoutLeadingZeros(group: string): string {
  return group.toLowerCase().replace(/^0+(?=.)/, '')
}
