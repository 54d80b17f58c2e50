import { availableParallelism } from 'node:os'
import { isMainThread, parentPort, Worker } from 'node:worker_threads'
import { type ProtocolName, protocolOf } from './protocols.ts'
import type { Result } from './result.ts'
import { parseScenario } from './scenario.ts'
import { simulate } from './simulation.ts'

/** One simulation; the scenario as its file has it. */
export interface Run {
  scenario: object
  seed: number
  protocol: ProtocolName
}

export function runOne({ scenario, seed, protocol }: Run): Result {
  return simulate({ scenario: parseScenario(scenario), seed, protocol: protocolOf(protocol) }).result
}

/**
 * Runs simulations side by side on all cores, and takes the next one whenever one is done.
 * @param done told of each result as it comes
 */
export async function runAll(runs: Iterable<Run>, done: (result: Result, run: Run) => void): Promise<void> {
  const waiting = runs[Symbol.iterator]()
  const work = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const worker = new Worker(new URL(import.meta.url))
      let run = waiting.next()
      const begin = () => {
        if (run.done === true) worker.terminate().then(() => resolve(), reject)
        else worker.postMessage(run.value)
      }
      worker.on('error', reject)
      worker.on('message', (result: Result) => {
        done(result, run.value as Run)
        run = waiting.next()
        begin()
      })
      begin()
    })
  await Promise.all(Array.from({ length: availableParallelism() }, work))
}

if (!isMainThread) parentPort?.on('message', (run: Run) => parentPort?.postMessage(runOne(run)))
