import { extname } from 'node:path'
import { Worker } from 'node:worker_threads'
import { type Check, packChecks } from './batch.ts'

/** A thread that checks signatures, one batch after the other. */
export interface Checker {
  /** @returns of each check, in order, whether it holds; rejects when the thread has died, and then ever after */
  check(batch: readonly Check[]): Promise<readonly boolean[]>
  close(): Promise<void>
}

/** Starts a thread. It does not keep the process from ending. */
export function startChecker(): Checker {
  const worker = new Worker(new URL(`./worker${extname(import.meta.url)}`, import.meta.url), { name: 'signatures' })
  worker.unref()
  let waiting: { resolve: (verdicts: boolean[]) => void; reject: (error: unknown) => void } | undefined
  let dead: Error | undefined
  const die = (error: Error): void => {
    dead ??= error
    waiting?.reject(dead)
    waiting = undefined
  }
  worker.on('message', (verdicts: Uint8Array) => {
    waiting?.resolve(Array.from(verdicts, (verdict) => verdict === 1))
    waiting = undefined
  })
  worker.on('error', (cause) => die(new Error('The thread that checks signatures failed', { cause })))
  worker.on('exit', (code) => die(new Error(`The thread that checks signatures ended with ${code}`)))
  return {
    check: (batch) =>
      new Promise((resolve, reject) => {
        if (dead) {
          reject(dead)
          return
        }
        waiting = { resolve, reject }
        const packed = packChecks(batch)
        worker.postMessage(packed, [packed])
      }),
    close: async () => {
      await worker.terminate()
    },
  }
}
