import { availableParallelism } from 'node:os'
import { DredError, signatureVerifier, type VerifySignature, webCryptoCheck } from '@dred/protocol'
import type { Log } from '../log.ts'
import type { Check } from './batch.ts'
import { type Checker, startChecker } from './checker.ts'

export interface SignaturePoolOptions {
  log: Log
  /** Threads; default one for each core but the one of the event loop, one at least. */
  threads?: number
  /** Signatures of clients that wait for a thread, beyond which no more are taken. */
  maxWaiting?: number
  /** Starts a thread. */
  start?: () => Checker
}

/** Checks device signatures off the event loop. */
export interface SignaturePool {
  /** For what clients send. @throws DredError also `rate_limited`, when more wait than are taken */
  readonly verify: VerifySignature
  /** For what peers send, of which links carry only so much at once. Refuses nothing and goes first. */
  readonly verifyForPeers: VerifySignature
  statistics(): SignatureStatistics
  /** Ends the threads; WebCrypto checks what still waits. */
  close(): Promise<void>
}

export interface SignatureStatistics {
  /** That no thread has been given yet. */
  waiting: number
  threads: number
  /** By threads, since the start. */
  checked: number
  /** From being asked for to the verdict, of all that were checked together. */
  seconds: number
}

interface Waiting extends Check {
  /** By `performance.now()`. */
  since: number
  resolve: (holds: boolean) => void
  reject: (error: unknown) => void
}

/** Checks that a thread is given at once: some milliseconds of work. */
const BATCH = 32
/** Of one thread: it has done that many after a tenth of a second. */
const MAX_WAITING = 2_048
/** Deaths of threads in a row, none having checked anything, after which no more are started. */
const MAX_DEATHS = 3

/** @throws nothing: where the threads or their library cannot be loaded, WebCrypto checks, and the log says so */
export function openSignaturePool(options: SignaturePoolOptions): SignaturePool {
  return new Pool(options)
}

class Pool implements SignaturePool {
  readonly verify: VerifySignature
  readonly verifyForPeers: VerifySignature
  readonly #log: Log
  readonly #start: () => Checker
  readonly #maxWaiting: number
  readonly #clients: Waiting[] = []
  readonly #peers: Waiting[] = []
  readonly #idle: Checker[] = []
  readonly #all = new Set<Checker>()
  #scheduled = false
  #deaths = 0
  #checked = 0
  #waitedMs = 0
  #closed = false

  constructor({
    log,
    threads = Math.max(1, availableParallelism() - 1),
    maxWaiting = MAX_WAITING * threads,
    start = startChecker,
  }: SignaturePoolOptions) {
    this.#log = log
    this.#start = start
    this.#maxWaiting = maxWaiting
    for (let i = 0; i < threads; i++) this.#add()
    this.verifyForPeers = signatureVerifier((key, signature, bytes) => this.#enqueue(this.#peers, { key, signature, bytes }))
    this.verify = signatureVerifier((key, signature, bytes) => {
      if (this.#clients.length >= this.#maxWaiting) {
        return Promise.reject(new DredError('rate_limited', { detail: 'More signatures wait to be checked than this server takes' }))
      }
      return this.#enqueue(this.#clients, { key, signature, bytes })
    })
  }

  statistics(): SignatureStatistics {
    return { waiting: this.#waiting, threads: this.#all.size, checked: this.#checked, seconds: this.#waitedMs / 1_000 }
  }

  async close(): Promise<void> {
    this.#closed = true
    await Promise.all(Array.from(this.#all, (checker) => checker.close()))
    this.#dispatch()
  }

  #add(): void {
    const checker = this.#start()
    this.#all.add(checker)
    this.#idle.push(checker)
  }

  /** At the end of this turn of the event loop: what comes in one turn goes in one batch, and nothing waits for more. */
  #enqueue(queue: Waiting[], check: Check): Promise<boolean> {
    return new Promise((resolve, reject) => {
      queue.push({ ...check, resolve, reject, since: performance.now() })
      if (this.#scheduled) return
      this.#scheduled = true
      setImmediate(() => {
        this.#scheduled = false
        this.#dispatch()
      })
    })
  }

  #dispatch(): void {
    if (this.#all.size === 0) {
      for (const waiting of [...this.#peers.splice(0), ...this.#clients.splice(0)]) checkHere(waiting)
      return
    }
    for (let left = this.#waiting; left > 0; left = this.#waiting) {
      const share = Math.min(BATCH, Math.ceil(left / this.#idle.length))
      const checker = this.#idle.pop()
      if (!checker) return
      const batch = this.#peers.splice(0, share)
      void this.#give(checker, [...batch, ...this.#clients.splice(0, share - batch.length)])
    }
  }

  get #waiting(): number {
    return this.#peers.length + this.#clients.length
  }

  async #give(checker: Checker, batch: readonly Waiting[]): Promise<void> {
    try {
      const verdicts = await checker.check(batch)
      this.#deaths = 0
      this.#idle.push(checker)
      const now = performance.now()
      this.#checked += batch.length
      batch.forEach(({ resolve, since }, i) => {
        this.#waitedMs += now - since
        resolve(verdicts[i] === true)
      })
    } catch (error) {
      for (const waiting of batch) checkHere(waiting)
      this.#replace(checker, error)
    }
    this.#dispatch()
  }

  #replace(dead: Checker, error: unknown): void {
    this.#all.delete(dead)
    if (this.#closed) return
    if (++this.#deaths <= MAX_DEATHS) this.#add()
    this.#log.warn({ err: error, threads: this.#all.size }, 'a thread that checks signatures has died; WebCrypto does its checks')
  }
}

function checkHere({ key, signature, bytes, resolve, reject }: Waiting): void {
  webCryptoCheck(Uint8Array.from(key), Uint8Array.from(signature), Uint8Array.from(bytes)).then(resolve, reject)
}
