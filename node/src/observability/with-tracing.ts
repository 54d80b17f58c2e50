import { verifySignature } from '@dred/protocol'
import type { NodeDependencies } from '../node-port.ts'

/** Makes what a node asks threads and the chain for parts of its traces, when it is traced. */
export function withTracing(dependencies: NodeDependencies): NodeDependencies {
  const { tracing, verify = verifySignature, wallets } = dependencies
  if (!tracing) return dependencies
  return {
    ...dependencies,
    verify: (...args) => tracing.span('verify', () => verify(...args)),
    wallets: {
      signedDelegation: (...args) => tracing.span('chain signedDelegation', () => wallets.signedDelegation(...args)),
      signedText: (...args) => tracing.span('chain signedText', () => wallets.signedText(...args)),
      balance: (...args) => tracing.span('chain balance', () => wallets.balance(...args)),
    },
  }
}
