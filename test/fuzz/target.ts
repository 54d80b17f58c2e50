import type { Random } from '@dred/protocol/testing/random'

/** Something wrong, in a sentence. Everything else that is thrown is wrong too. */
export class Finding extends Error {
  override readonly name = 'Finding'
}

/** What hostile input is given to. */
export interface Target {
  /**
   * Makes an input from the random numbers alone, hands it over and judges what comes of it.
   * @throws Finding
   */
  run(random: Random): Promise<void>
  /** What came of the cases, by kind. */
  readonly outcomes: Map<string, number>
  /** Requests, frames and texts that were handed over. */
  readonly cases: number
}

/** Counts what came of a case. */
export function count(outcomes: Map<string, number>, outcome: string): void {
  outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1)
}
