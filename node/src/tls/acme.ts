import { X509Certificate } from 'node:crypto'
import { open, readFile, rm, stat } from 'node:fs/promises'
import type { Log } from '../log.ts'
import type { AcmeConfig } from './acme-config.ts'
import { orderCertificate } from './acme-order.ts'
import type { TlsConfig } from './config.ts'

export interface AcmeOptions {
  acme: AcmeConfig
  files: TlsConfig
  log: Log
  /** Called when there is a new certificate. */
  renewed: () => void
}

/** What is left of a certificate's life when it is renewed: a third, and up to a tenth of that more, so that not all servers come at once. */
const LEFT = 1 / 3
const JITTER = 0.1
/** After an order that failed, in milliseconds; doubles each time. */
const AGAIN_MS = { first: 60_000, most: 6 * 3_600_000 }
/** The longest that setTimeout waits is less than what certificates last. */
const LONGEST_WAIT_MS = 86_400_000
/** An order that has taken longer has died with its process. */
const LOCK_MS = 600_000

/** Orders certificates in time; of several processes with the same files one. */
export class AcmeRenewal {
  readonly #options: AcmeOptions
  #timer: NodeJS.Timeout | undefined
  #failures = 0
  #ordering: Promise<void> = Promise.resolve()
  #stopped = false

  /** @throws when there is no certificate yet, and none is given */
  static async start(options: AcmeOptions): Promise<AcmeRenewal> {
    const renewal = new AcmeRenewal(options)
    if ((await renewal.#dueAt()) === undefined) await orderAlone(options)
    await renewal.#schedule()
    return renewal
  }

  private constructor(options: AcmeOptions) {
    this.#options = options
  }

  async close(): Promise<void> {
    this.#stopped = true
    clearTimeout(this.#timer)
    await this.#ordering
  }

  /** Unix milliseconds from which on to renew; undefined without a certificate. */
  async #dueAt(): Promise<number | undefined> {
    const pem = await readFile(this.#options.files.certFile).catch(() => undefined)
    if (!pem) return undefined
    const { validFrom, validTo } = new X509Certificate(pem)
    const [from, to] = [Date.parse(validFrom), Date.parse(validTo)]
    return to - (to - from) * LEFT * (1 + JITTER * Math.random())
  }

  async #schedule(): Promise<void> {
    if (this.#stopped) return
    const dueAt = (await this.#dueAt()) ?? 0
    const again = this.#failures === 0 ? 0 : Math.min(AGAIN_MS.first * 2 ** (this.#failures - 1), AGAIN_MS.most)
    const waitMs = Math.max(dueAt - Date.now(), again, 0)
    const next = waitMs > LONGEST_WAIT_MS ? () => this.#schedule() : () => this.#renew()
    const work = (): void => {
      this.#ordering = next()
    }
    this.#timer = setTimeout(work, Math.min(waitMs, LONGEST_WAIT_MS)).unref()
  }

  async #renew(): Promise<void> {
    const { log, acme, renewed } = this.#options
    try {
      await orderAlone(this.#options)
      this.#failures = 0
      log.info({ domains: acme.domains }, 'got another TLS certificate')
      renewed()
    } catch (error) {
      this.#failures++
      log.error({ err: error, failures: this.#failures }, 'no other TLS certificate was given: the one before stays')
    }
    await this.#schedule()
  }
}

/** Orders, unless another process does: then this one waits for it. */
async function orderAlone({ acme, files }: AcmeOptions): Promise<void> {
  const lock = `${files.certFile}.ordering`
  const before = await changedAt(files.certFile)
  for (;;) {
    const handle = await open(lock, 'wx', 0o600).catch(() => undefined)
    if (handle) {
      await handle.close()
      break
    }
    const since = await changedAt(lock)
    if (since !== 0 && Date.now() - since > LOCK_MS) await rm(lock, { force: true })
    else await new Promise((resolve) => setTimeout(resolve, 200))
    if ((await changedAt(files.certFile)) !== before) return
  }
  try {
    if ((await changedAt(files.certFile)) === before) await orderCertificate(acme, files)
  } finally {
    await rm(lock, { force: true })
  }
}

function changedAt(file: string): Promise<number> {
  return stat(file).then(
    ({ mtimeMs }) => mtimeMs,
    () => 0,
  )
}
