import { expect, test } from 'vitest'
import NeighborhoodCreate from './commands/neighborhood/create.ts'
import ParametersStage from './commands/neighborhood/parameters/stage.ts'

test('only a new neighborhood is told what holds for what is left out', () => {
  expect(NeighborhoodCreate.flags.unbonding.description).toMatch(/ \[7d\]$/)
  const { 'min-stake': leastStake, unbonding, quorum, 'slash-percent': slashPercent } = ParametersStage.flags
  for (const { description } of [leastStake, unbonding, quorum, slashPercent]) expect(description).not.toMatch(/\[/)
})
