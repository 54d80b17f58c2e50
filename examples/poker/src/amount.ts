/** Money and chips are whole hundredths here, so that sums are exact; files and messages carry decimals. */
export type Cents = number

export function toCents(amount: number): Cents {
  return Math.round(amount * 100)
}

export function fromCents(cents: Cents): number {
  return cents / 100
}

/** `$1,204.50`, without decimals when there are none; `currency` is the symbol, possibly empty. */
export function formatCents(cents: Cents, currency = ''): string {
  const decimals = cents % 100 === 0 ? 0 : 2
  return `${currency}${(cents / 100).toLocaleString('en-US', { minimumFractionDigits: decimals, maximumFractionDigits: decimals })}`
}
