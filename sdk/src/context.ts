import type { Signer } from '@dred/protocol'
import type { Clock } from './clock.ts'
import type { Credentials } from './credentials.ts'
import type { DredClientError } from './errors.ts'
import type { ServerKeys } from './server-keys.ts'
import type { ServerPool } from './servers.ts'
import type { ClientState } from './state.ts'
import type { Timing } from './timing.ts'
import type { Http } from './transport/http.ts'
import type { Wake } from './wake.ts'

/** What the parts of one client share. */
export interface Context {
  neighborhood: string
  /** Streams per subscription: kept open, and tried at once at most. */
  streams: { min: number; max: number }
  clock: Clock
  timing: Timing
  http: Http
  pool: ServerPool
  keys: ServerKeys
  credentials: Credentials
  wake: Wake
  state: ClientState
  /** Publishes that wait for a server. */
  outbox: { pending: number }
  /** Aborts when the client is closed. */
  lifetime: AbortSignal
  signer: () => Promise<Signer>
  /** Emits an error that no caller waits for. */
  report: (error: DredClientError) => void
}
