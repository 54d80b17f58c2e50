import type { ErrorCode, RouteName } from '@dred/protocol'
import type { Told } from './requests.ts'
import type { Servers } from './servers.ts'

/** What makes routes answer with an error. */
export interface Situation {
  code: ErrorCode
  /** In which it does, as half a sentence. */
  when: string
  /** Those in which that can be; all that declare the error if it is left out. */
  routes?: readonly RouteName[]
  /** Brings it about. @returns the answer */
  show: (servers: Servers, route: RouteName) => Promise<Told>
}
