type Step = () => void | Promise<void>

/** Runs steps one after the other, without a turn of the event loop between those that return nothing. */
export function inSequence([step, ...rest]: Step[]): void | Promise<void> {
  if (!step) return undefined
  const pending = step()
  return pending ? pending.then(() => inSequence(rest)) : inSequence(rest)
}
