import { subscribe } from 'node:diagnostics_channel'
import type { ToldProblem } from '../node/src/observability/problem-channel.ts'

// A server in this process that answers with an error which its route does not declare: nobody catches that, so the run fails.
subscribe('dred:problem', (told) => {
  void import('../node/src/testing/declared-errors.ts').then(({ assertDeclared }) => assertDeclared(told as ToldProblem))
})
